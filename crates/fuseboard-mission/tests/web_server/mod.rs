//! A small web server of this machine, which writes down what it is asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The method and the path with its query.
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    answers: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// One that answers with these, one after the other; the last one again and again. An empty answer never comes.
    pub(crate) fn answering(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            answers: Arc::new(Mutex::new(answers.iter().rev().map(|&answer| answer.to_owned()).collect())),
        };
        let (requests, answers) = (Arc::clone(&server.requests), Arc::clone(&server.answers));
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                silent.extend(stream.ok().and_then(|stream| answer(stream, &requests, &answers)));
            }
        });
        server
    }

    /// One that is pleased with everything.
    pub(crate) fn pleased() -> Self {
        Self::answering(&["HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"])
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

/// Answers, or gives the stream back, which is to stay open.
fn answer(stream: TcpStream, requests: &Mutex<Vec<Request>>, answers: &Mutex<Vec<String>>) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).ok()? > 0 && !head.ends_with("\r\n\r\n") {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    requests.lock().unwrap().push(Request { line, head, body: String::from_utf8(body).unwrap() });
    let mut answers = answers.lock().unwrap();
    let answer = if answers.len() > 1 { answers.pop() } else { answers.first().cloned() }.unwrap();
    let mut stream = reader.into_inner();
    if answer.is_empty() {
        return Some(stream);
    }
    stream.write_all(answer.as_bytes()).ok()?;
    None
}
