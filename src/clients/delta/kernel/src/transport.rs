//! Lets whoever opened the table send the store's HTTP requests, so that proxy, trust, credentials,
//! bandwidth and stopping are settled there, once for all that the program around us sends.
//!
//! The callback blocks; each request has a thread of its own while it runs. The store above limits
//! how many run side by side.

use std::error::Error as StdError;
use std::ffi::{c_char, c_void, CString};
use std::fmt;
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::ClientOptions;

/// The headers that the store reads.
const HEADERS: [&str; 8] = [
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "retry-after",
    "x-ms-version-id",
];

/// `struct mms_delta_request`.
#[repr(C)]
pub struct RequestOut {
    method: *const c_char,
    url: *const c_char,
    header_names: *const *const c_char,
    header_values: *const *const c_char,
    header_count: usize,
}

/// `struct mms_delta_answer`: what the callback fills.
#[derive(Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// May the same request work later? Set when there is no answer.
    pub failure: Option<Failed>,
}

pub struct Failed {
    pub may_pass: bool,
    pub message: String,
}

/// `struct mms_delta_transport`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TransportIn {
    context: *mut c_void,
    send: unsafe extern "C" fn(*mut c_void, *const RequestOut, *mut Answer),
    release: unsafe extern "C" fn(*mut c_void),
}

/// Owns the context: released when the last table, stream and request of it is gone.
struct Owner(TransportIn);

// The contract in mms_delta.h: send may be called by several threads, release by any.
unsafe impl Send for Owner {}
unsafe impl Sync for Owner {}

impl Drop for Owner {
    fn drop(&mut self) {
        unsafe { (self.0.release)(self.0.context) }
    }
}

#[derive(Clone)]
pub struct Transport(Arc<Owner>);

impl Transport {
    pub fn new(raw: TransportIn) -> Transport {
        Transport(Arc::new(Owner(raw)))
    }

    /// Blocks until the callback has answered.
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        if !request.body().is_empty() {
            return Err(unknown("a request with a body: this store only reads"));
        }
        let method = c_text(request.method().as_str())?;
        let url = c_text(&request.uri().to_string())?;
        let mut names = Vec::new();
        let mut values = Vec::new();
        for (name, value) in request.headers() {
            names.push(c_text(name.as_str())?);
            values.push(c_text(value.to_str().map_err(|e| unknown(e.to_string()))?)?);
        }
        let name_pointers: Vec<_> = names.iter().map(|text| text.as_ptr()).collect();
        let value_pointers: Vec<_> = values.iter().map(|text| text.as_ptr()).collect();
        let out = RequestOut {
            method: method.as_ptr(),
            url: url.as_ptr(),
            header_names: name_pointers.as_ptr(),
            header_values: value_pointers.as_ptr(),
            header_count: names.len(),
        };
        let mut answer = Answer::default();
        let raw = &self.0 .0;
        unsafe { (raw.send)(raw.context, &out, &mut answer) };
        to_response(answer)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Transport")
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Transport {
    // What #[async_trait] makes of `async fn call(&self, ...)`.
    fn call<'life0, 'async_trait>(
        &'life0 self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let exchange = Arc::new(Mutex::new(Exchange::default()));
        let transport = self.clone();
        let result = exchange.clone();
        let work = move || {
            let answer = catch_unwind(AssertUnwindSafe(|| transport.send(&request)));
            // The thread's share of the context ends before the kernel goes on: what was opened
            // can then be released by whoever waits for the answer.
            drop(transport);
            finish(
                &result,
                answer.unwrap_or_else(|_| Err(unknown("panic while sending a request"))),
            );
        };
        if let Err(error) = thread::Builder::new().spawn(work) {
            finish(&exchange, Err(unknown(format!("no thread: {error}"))));
        }
        Box::pin(Pending(exchange))
    }
}

#[derive(Default)]
struct Exchange {
    answer: Option<Result<HttpResponse, HttpError>>,
    waker: Option<Waker>,
}

fn finish(exchange: &Mutex<Exchange>, answer: Result<HttpResponse, HttpError>) {
    let waker = exchange.lock().ok().and_then(|mut exchange| {
        exchange.answer = Some(answer);
        exchange.waker.take()
    });
    if let Some(waker) = waker {
        waker.wake();
    }
}

struct Pending(Arc<Mutex<Exchange>>);

impl Future for Pending {
    type Output = Result<HttpResponse, HttpError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut exchange) = self.0.lock() else {
            return Poll::Ready(Err(unknown("panic while sending a request")));
        };
        match exchange.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                exchange.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn to_response(answer: Answer) -> Result<HttpResponse, HttpError> {
    if let Some(failure) = answer.failure {
        let kind = if failure.may_pass {
            HttpErrorKind::Interrupted
        } else {
            HttpErrorKind::Unknown
        };
        return Err(HttpError::new(kind, Text(failure.message)));
    }
    let mut response = HttpResponse::new(HttpResponseBody::from(answer.body));
    *response.status_mut() = answer
        .status
        .try_into()
        .map_err(|_| unknown(format!("HTTP status {}", answer.status)))?;
    for (name, value) in answer.headers {
        let Some(known) = HEADERS.into_iter().find(|known| *known == name) else {
            continue;
        };
        let value = value
            .parse()
            .map_err(|_| unknown(format!("header {known} holds no text")))?;
        response.headers_mut().insert(known, value);
    }
    Ok(response)
}

#[derive(Debug)]
struct Text(String);

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl StdError for Text {}

fn unknown(message: impl Into<String>) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, Text(message.into()))
}

fn c_text(text: &str) -> Result<CString, HttpError> {
    CString::new(text).map_err(|_| unknown("a request that holds a NUL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_its_status_and_the_headers_that_are_read() {
        let response = to_response(Answer {
            status: 206,
            headers: vec![
                ("etag".into(), "\"7\"".into()),
                ("x-unknown".into(), "1".into()),
            ],
            body: b"abc".to_vec(),
            failure: None,
        })
        .unwrap();
        assert_eq!(response.status().as_u16(), 206);
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.headers()["etag"], "\"7\"");
    }

    #[test]
    fn only_a_failure_that_may_pass_is_tried_again() {
        let kind = |may_pass| {
            let failure = Failed {
                may_pass,
                message: "why".into(),
            };
            to_response(Answer {
                failure: Some(failure),
                ..Answer::default()
            })
            .unwrap_err()
            .kind()
        };
        assert_eq!(kind(true), HttpErrorKind::Interrupted);
        assert_eq!(kind(false), HttpErrorKind::Unknown);
    }
}
