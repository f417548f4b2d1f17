//! A service on tokio that calls another one over HTTP: once through a `tower` layer, once by the async guards. What the
//! other one answers says whether that is a failure; while it is down, requests fail at once instead of piling up.
//!
//! ```text
//! cargo run -p fuseboard --example service --features tower
//! ```

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fuseboard::{Board, Failure, FailureRate, Outcome, Policy, TryError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let users = Users::start().await?;
    let client = Client { host: users.address };

    // For busy calls: half of at least four calls within ten seconds, and a short break.
    let rate = FailureRate { of: 4, ..FailureRate::default() };
    let break_ = Duration::from_millis(100);
    let policy = Policy::for_requests().to_builder().rate(rate).cool_down(break_).jitter(0.0).probes(1).build()?;
    let board = Board::builder().policy(policy).build();
    let circuit = board.circuit("users")?.classify(by_status);

    // As a layer: whatever service stands behind it is asked only while the circuit lets it.
    let get = move |path: &'static str| async move { client.get(path).send().await };
    let mut layered = ServiceBuilder::new().layer(circuit.clone().layer()).service(service_fn(get));
    let answer = layered.ready().await?.call("/users/ada").await?;
    println!("layer: {} {}", answer.status, answer.text);

    // By hand: "no such user" is an answer, not a failure.
    for path in ["/users/nobody", "/users/ada", "/users/nobody"] {
        let answer = circuit.try_run_async(client.get(path).send()).await?;
        println!("guard: {} {}", answer.status, answer.text);
    }

    println!("the other service breaks down");
    users.break_down(true);
    for _ in 0..20 {
        match layered.ready().await?.call("/users/ada").await {
            Ok(answer) => println!("layer: {} {}", answer.status, answer.text),
            Err(TryError::Failed(error)) => println!("layer: {error}"),
            Err(TryError::Skipped(_)) => {}
        }
    }
    let asked = users.asked();
    println!("of 20 requests it had to bear {}", asked - 4);

    println!("it is mended, and after a break a single probe finds out");
    users.break_down(false);
    tokio::time::sleep(break_ * 2).await;
    let answer = circuit.try_run_async(client.get("/users/ada").send()).await?;
    println!("guard: {} {}", answer.status, answer.text);
    Ok(())
}

/// What an answer says of the service: that it is well as long as it answers what it was asked.
fn by_status(result: &Result<Response, ClientError>) -> Outcome {
    match result {
        Ok(response) if response.status >= 500 => {
            Outcome::Failure(Failure::error(&format!("status {}", response.status)))
        }
        Ok(_) => Outcome::Success,
        Err(error) => Outcome::Failure(Failure::error(error)),
    }
}

// --- A client, as one of the usual crates has it -----------------------------------------------------------

#[derive(Clone, Copy)]
struct Client {
    host: SocketAddr,
}

struct Request {
    host: SocketAddr,
    path: &'static str,
}

#[derive(Debug)]
struct Response {
    status: u16,
    text: String,
}

#[derive(Debug)]
enum ClientError {
    Io(std::io::Error),
    NoHttp,
}

impl Client {
    fn get(&self, path: &'static str) -> Request {
        Request { host: self.host, path }
    }
}

impl Request {
    async fn send(self) -> Result<Response, ClientError> {
        let mut stream = TcpStream::connect(self.host).await?;
        let request = format!("GET {} HTTP/1.1\r\nhost: users\r\nconnection: close\r\n\r\n", self.path);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, text) = answer.split_once("\r\n\r\n").ok_or(ClientError::NoHttp)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(ClientError::NoHttp)?;
        Ok(Response { status, text: text.to_owned() })
    }
}

impl From<std::io::Error> for ClientError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NoHttp => f.write_str("the answer is no HTTP"),
        }
    }
}

impl Error for ClientError {}

// --- The other service -------------------------------------------------------------------------------------

struct Users {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    asked: AtomicU32,
    is_down: AtomicU32,
}

impl Users {
    async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, state) = (listener.local_addr()?, Arc::new(State::default()));
        let told = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(told.answer(stream).await);
            }
        });
        Ok(Self { address, state })
    }

    fn break_down(&self, down: bool) {
        self.state.is_down.store(down.into(), Ordering::SeqCst);
    }

    fn asked(&self) -> u32 {
        self.state.asked.load(Ordering::SeqCst)
    }
}

impl State {
    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = [0; 1024];
        let length = stream.read(&mut request).await?;
        let request = String::from_utf8_lossy(&request[..length]);
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (status, text) = match (self.is_down.load(Ordering::SeqCst), request.contains("/users/ada ")) {
            (0, true) => ("200 OK", "Ada"),
            (0, false) => ("404 Not Found", "no such user"),
            _ => ("503 Service Unavailable", "try later"),
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
        stream.write_all(answer.as_bytes()).await
    }
}
