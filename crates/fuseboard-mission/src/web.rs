//! Calls to addresses on the web, made by this module alone: one request, bounded in time, no redirect followed.
//!
//! An address is a secret, since services put their tokens into the path or the query: nothing here shows more of it
//! than its scheme and its host, and no word of the other side comes back but its status.
//!
//! Certificates are held against Mozilla's list as of the release. A proxy is taken from the environment
//! (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), for other machines only.

use std::fmt;
use std::net::IpAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard_pipeline::process::{Deadline, Interrupt};
use fuseboard_pipeline::step::StepError;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::{Agent, Error};

/// How long a call is waited for before the signals are looked at again.
const NAP: Duration = Duration::from_millis(20);

/// How much later than its limit a call is given up if it does not end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Longest address, in bytes.
const MOST_ADDRESS: usize = 4096;

/// Largest head of an answer, in bytes.
const MOST_HEAD: usize = 16 * 1024;

/// An address that may be called: `https`, or `http` on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    uri: Uri,
    is_here: bool,
}

/// Why a text is no address that may be called. It says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read.
    #[error("is no web address")]
    Unreadable,
    /// It holds `user:password@`.
    #[error("holds a user's name; put the token into the path or the query, as the service gives it")]
    HasUser,
    /// It is not encrypted, and leads to another machine.
    #[error("does not begin with https://, which only addresses of this machine may do without")]
    InTheClear,
}

impl Address {
    /// The address in this text.
    ///
    /// # Errors
    /// [`AddressError`]
    pub fn new(text: &str) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError::Unreadable)?;
        let host = uri.host().filter(|host| !host.is_empty() && text.len() <= MOST_ADDRESS);
        let (Some(host), Some(authority)) = (host, uri.authority()) else { return Err(AddressError::Unreadable) };
        if authority.as_str().contains('@') {
            return Err(AddressError::HasUser);
        }
        let number: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
        let is_here = host.eq_ignore_ascii_case("localhost") || number.is_ok_and(|number| number.is_loopback());
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_here => {}
            Some("http") => return Err(AddressError::InTheClear),
            _ => return Err(AddressError::Unreadable),
        }
        Ok(Self { uri, is_here })
    }

    /// The same with `/word` at the end of its path.
    ///
    /// # Errors
    /// [`AddressError::Unreadable`]: it would be too long.
    pub fn with(&self, word: &str) -> Result<Self, AddressError> {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map(ureq::http::uri::Authority::as_str).unwrap_or_default();
        let path = self.uri.path().trim_end_matches('/');
        let query = self.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Self::new(&format!("{scheme}://{authority}{path}/{word}{query}"))
    }

    /// Gets what stands there, and looks at the status alone.
    ///
    /// # Errors
    /// [`StepError`]: any status but 2xx, no answer before the deadline, a signal.
    pub fn get(&self, deadline: Deadline, interrupt: &Interrupt) -> Result<(), StepError> {
        self.call(None, deadline, interrupt)
    }

    /// Posts JSON there, and looks at the status alone.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn post(&self, json: String, deadline: Deadline, interrupt: &Interrupt) -> Result<(), StepError> {
        self.call(Some(json), deadline, interrupt)
    }

    fn call(&self, json: Option<String>, deadline: Deadline, interrupt: &Interrupt) -> Result<(), StepError> {
        let (address, (sender, answer)) = (self.clone(), mpsc::channel());
        let limit = deadline.remaining();
        // A thread of its own, which may be left behind: a signal has to be heard while nobody answers.
        let started = thread::Builder::new().name("web".to_owned()).spawn(move || {
            let _ = sender.send(address.answer(json, limit)); // nobody may be waiting any longer
        });
        started.map_err(|error| StepError::new(format!("{self} cannot be called: {error}")))?;
        let deadline = deadline.postponed(GRACE);
        loop {
            match answer.recv_timeout(NAP) {
                Ok(Ok(status)) => return self.judge(status),
                Ok(Err(error)) => return Err(self.error(&error)),
                Err(RecvTimeoutError::Disconnected) => return Err(StepError::new(format!("{self} cannot be called"))),
                Err(RecvTimeoutError::Timeout) if interrupt.signal().is_some() => {
                    return Err(StepError::cut(format!("{self} was not waited for: a signal")));
                }
                Err(RecvTimeoutError::Timeout) if deadline.has_passed() => return Err(self.late()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The status that is answered.
    fn answer(&self, json: Option<String>, limit: Option<Duration>) -> Result<u16, Error> {
        let mut config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(limit)
            .max_response_header_size(MOST_HEAD)
            .user_agent(concat!("fuseboard/", env!("CARGO_PKG_VERSION")));
        if self.is_here {
            config = config.proxy(None);
        }
        let agent = Agent::new_with_config(config.build());
        let answer = match json {
            Some(json) => agent.post(&self.uri).header("content-type", "application/json").send(json),
            None => agent.get(&self.uri).call(),
        };
        Ok(answer?.status().as_u16())
    }

    fn judge(&self, status: u16) -> Result<(), StepError> {
        match status {
            200..=299 => Ok(()),
            300..=399 => Err(StepError::new(format!(
                "{self} answers {status}: it has moved, and is not followed there; write the new address"
            ))),
            _ => Err(StepError::new(format!("{self} answers {status}"))),
        }
    }

    /// In words of ours: an error's own may hold the address.
    fn error(&self, error: &Error) -> StepError {
        let why = match error {
            Error::Timeout(_) => return self.late(),
            Error::Io(error) => error.kind().to_string(),
            Error::HostNotFound => "there is no such host".to_owned(),
            Error::Rustls(error) => format!("no trusted connection: {error}"),
            Error::Tls(what) => format!("no trusted connection: {what}"),
            Error::Protocol(_) | Error::LargeResponseHeader(..) => "it does not answer as a web server does".to_owned(),
            Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => "the proxy does not lead there".to_owned(),
            _ => "there is no connection".to_owned(),
        };
        StepError::new(format!("{self} cannot be reached: {why}"))
    }

    fn late(&self) -> StepError {
        StepError::of(FailureKind::Timeout, format!("{self} did not answer in time"))
    }
}

/// As much of it as may be shown.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.uri.authority().map(ureq::http::uri::Authority::as_str).unwrap_or_default();
        write!(f, "{}://{authority}/…", self.uri.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_lead_to_other_machines() {
        for good in [
            "https://hooks.example.org/a?b=c",
            "https://192.0.2.1:8443",
            "http://localhost:1/x",
            "http://127.0.0.9/x",
            "http://[::1]:80/x",
        ] {
            assert!(Address::new(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://example.org/x", AddressError::InTheClear),
            ("http://127.0.0.1.example.org/x", AddressError::InTheClear),
            ("http://localhost@example.org/x", AddressError::HasUser),
            ("https://user:secret@example.org/", AddressError::HasUser),
            ("ftp://example.org/", AddressError::Unreadable),
            ("example.org/x", AddressError::Unreadable),
            ("/x", AddressError::Unreadable),
            ("https://", AddressError::Unreadable),
            ("https:///x", AddressError::Unreadable),
            ("https://a b/", AddressError::Unreadable),
            ("https://example.org/\nx", AddressError::Unreadable),
            ("", AddressError::Unreadable),
        ] {
            assert_eq!(Address::new(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn no_more_of_an_address_is_shown_than_its_host() {
        let address = Address::new("https://hooks.example.org:8443/s3cret?token=s3cret").unwrap();
        assert_eq!(address.to_string(), "https://hooks.example.org:8443/…");
        assert_eq!(format!("{address:?}"), address.to_string());
    }

    #[test]
    fn a_word_goes_to_the_end_of_the_path() {
        for (address, expected) in [
            ("https://a.org/id", "https://a.org/id/fail"),
            ("https://a.org/id/", "https://a.org/id/fail"),
            ("https://a.org/id?x=1", "https://a.org/id/fail?x=1"),
            ("https://a.org", "https://a.org/fail"),
        ] {
            assert_eq!(Address::new(address).unwrap().with("fail").unwrap().uri.to_string(), expected);
        }
    }
}
