//! The circuit as a `tower` layer.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::circuit::Circuit;
use crate::classify::{ByText, Classified, Classify};
use crate::guard::{TryError, of_panic, passed_on};
use crate::guard_async::catch_async;
use crate::leave::Leave;

/// Puts a service behind a circuit; made by [`Circuit::layer`] and [`Classified::layer`].
#[derive(Clone, Debug)]
pub struct CircuitLayer<C = ByText> {
    circuit: Classified<C>,
}

/// A service behind a circuit; made by a [`CircuitLayer`].
///
/// Each request asks for admission in `call`. `poll_ready` is the inner service's alone, and its errors do not count:
/// who asks whether a service is ready need not call it, and a probe that was let out there might never report. A
/// response whose future is dropped counts as ignored. Each response's future is boxed.
#[derive(Clone, Debug)]
pub struct CircuitService<S, C = ByText> {
    inner: S,
    circuit: Classified<C>,
}

impl Circuit {
    /// A layer that puts services behind this circuit: an inner error counts as a failure.
    ///
    /// ```
    /// use std::future::{Ready, ready};
    /// use std::task::{Context, Poll};
    ///
    /// use fuseboard::{Board, TryError, block_on};
    /// use tower_layer::Layer;
    /// use tower_service::Service;
    ///
    /// struct Down;
    ///
    /// impl Service<u8> for Down {
    ///     type Response = u8;
    ///     type Error = String;
    ///     type Future = Ready<Result<u8, String>>;
    ///
    ///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
    ///         Poll::Ready(Ok(()))
    ///     }
    ///
    ///     fn call(&mut self, _: u8) -> Self::Future {
    ///         ready(Err("connection refused".to_owned()))
    ///     }
    /// }
    ///
    /// let mut service = Board::new().circuit("api")?.layer().layer(Down);
    /// assert!(matches!(block_on(service.call(1)), Err(TryError::Failed(_))));
    /// assert!(matches!(block_on(service.call(2)), Err(TryError::Failed(_))));
    /// assert!(matches!(block_on(service.call(3)), Err(TryError::Skipped(_))));
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    pub fn layer(&self) -> CircuitLayer {
        self.classify(ByText).layer()
    }
}

impl<C> Classified<C> {
    /// A layer that puts services behind this circuit: the classifier says what their responses and errors mean.
    ///
    /// ```
    /// use fuseboard::{Board, Failure, Outcome};
    ///
    /// let by_status = |result: &Result<u16, String>| match result {
    ///     Ok(500..) => Outcome::Failure(Failure::error(&"the server's fault")),
    ///     Ok(_) => Outcome::Success,
    ///     Err(error) => Outcome::Failure(Failure::error(error)),
    /// };
    /// let layer = Board::new().circuit("api")?.classify(by_status).layer();
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    pub fn layer(self) -> CircuitLayer<C> {
        CircuitLayer { circuit: self }
    }
}

impl<S, C: Clone> Layer<S> for CircuitLayer<C> {
    type Service = CircuitService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitService { inner, circuit: self.circuit.clone() }
    }
}

impl<Request, S, C> Service<Request> for CircuitService<S, C>
where
    S: Service<Request>,
    S::Future: Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
    C: Classify<S::Response, S::Error> + Clone + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = TryError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, TryError<S::Error>>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(TryError::Failed)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut leave = Leave::of(&self.circuit.circuit);
        if let Err(refused) = leave.ask() {
            let refusal = refused.told();
            return Box::pin(async move { Err(TryError::Skipped(refusal)) });
        }
        let response = match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(response) => response,
            Err(panic) => {
                leave.settle(&of_panic(&*panic));
                resume_unwind(panic);
            }
        };
        let (mut leave, classify) = (leave.owned(), self.circuit.classify.clone());
        Box::pin(async move {
            let (result, outcome) = catch_async(&classify, response).await;
            leave.settle(&outcome);
            passed_on(Ok(result))
        })
    }
}
