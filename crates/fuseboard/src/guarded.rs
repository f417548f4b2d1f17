//! The future of a guarded call. Written by hand: the compiler's own futures pass a value through memory at each await,
//! which takes several times as long as all the rest.

#![expect(
    unsafe_code,
    reason = "a pinned field can be reached in no other way; what upholds the pin is said at each place"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::circuit::Circuit;
use crate::classify::Classify;
use crate::guard::{Caught, Judged, caught, contain, judged};
use crate::leave::Leave;
use crate::unwritten::Refused;

/// Work as a future, which is made, polled, dropped and judged where panics are caught.
pub(crate) enum Work<W: IntoFuture> {
    /// Not begun. `None` while its future is made, and for good if that panics.
    New(Option<W>),
    /// Pinned from here on: moved never, dropped in its place.
    Begun(W::IntoFuture),
    Ended,
}

impl<W: IntoFuture> Work<W> {
    pub(crate) fn new(work: W) -> Self {
        Self::New(Some(work))
    }
}

impl<T, E, W: IntoFuture<Output = Result<T, E>>> Work<W> {
    /// Polls the work and says what it came to.
    #[inline]
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        classify: &impl Classify<T, E>,
        context: &mut Context<'_>,
    ) -> Poll<std::thread::Result<Judged<T, E>>> {
        let poll = || {
            // SAFETY: only `New` is moved out of, which was never pinned; `Begun` is but borrowed.
            let this = unsafe { self.as_mut().get_unchecked_mut() };
            if let Self::New(work) = this
                && let Some(work) = work.take()
            {
                *this = Self::Begun(work.into_future());
            }
            let Self::Begun(future) = this else { unreachable!("nobody polls what has ended") };
            // SAFETY: it lies in a field of what is pinned, from where it is never moved.
            let result = ready!(unsafe { Pin::new_unchecked(future) }.poll(context));
            let judged = judged(classify, result);
            self.set(Self::Ended);
            Poll::Ready(judged)
        };
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(judged)) => Poll::Ready(Ok(judged)),
            Err(panic) => {
                // What is left of it may panic once more when it is dropped.
                contain(|| self.set(Self::Ended));
                Poll::Ready(Err(panic))
            }
        }
    }
}

/// A guarded call: leave, work, report. `told` makes of it what the caller gets.
pub(crate) struct Guarded<'a, C, W: IntoFuture, F> {
    /// Pinned. Stands before the leave, and so is dropped before it.
    work: Work<W>,
    leave: Leave<&'a Circuit>,
    classify: &'a C,
    /// `None` once it has been told.
    told: Option<F>,
}

impl<'a, C, W: IntoFuture, F> Guarded<'a, C, W, F> {
    #[inline]
    pub(crate) fn new(circuit: &'a Circuit, classify: &'a C, work: W, told: F) -> Self {
        Self { work: Work::new(work), leave: Leave::of(circuit), classify, told: Some(told) }
    }
}

impl<'a, T, E, R, C, W, F> Future for Guarded<'a, C, W, F>
where
    C: Classify<T, E>,
    W: IntoFuture<Output = Result<T, E>>,
    F: FnOnce(Result<Caught<T, E>, Refused<'a>>) -> R,
{
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        // SAFETY: nothing is moved out of `work`, and of it only a pinned reference is made. It is the only pinned field.
        let Self { work, leave, classify, told } = unsafe { self.get_unchecked_mut() };
        assert!(told.is_some(), "a future is not polled after its end");
        if let Err(refused) = leave.ask() {
            return Poll::Ready(once(told)(Err(refused)));
        }
        // SAFETY: it lies in a field of what is pinned, from where it is never moved.
        match ready!(unsafe { Pin::new_unchecked(work) }.poll(*classify, context)) {
            Ok(Judged::Success(value)) => {
                leave.succeed();
                Poll::Ready(once(told)(Ok(Ok(Ok(value)))))
            }
            other => {
                let (result, outcome) = caught(other);
                leave.settle(&outcome);
                Poll::Ready(once(told)(Ok(result)))
            }
        }
    }
}

fn once<F>(told: &mut Option<F>) -> F {
    let Some(told) = told.take() else { unreachable!("nobody polls what has ended") };
    told
}
