//! Receivers for the client's tests: real sockets, scripted answers, everything heard is kept.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use longshore_backends::client::{
    Answer, Call, CallProfile, Client, ClientConfig, Exchange, NetworkRules, NotSent, Reply,
    Resolve, Unanswered,
};
use longshore_backends::target::Target;
use longshore_domain::outcome::Repeat;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A listener whose every connection is handled by a script.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<(usize, String)>>>,
    _tasks: JoinSet<()>,
}

/// One accepted connection.
pub(crate) struct Line<S = TcpStream> {
    /// Its number, from 0.
    pub(crate) index: usize,
    pub(crate) stream: S,
    pub(crate) peer: SocketAddr,
    heard: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Peer {
    pub(crate) async fn start<F, R>(script: F) -> Self
    where
        F: Fn(Line) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut lines = JoinSet::new();
            for index in 0.. {
                let (stream, peer) = listener.accept().await.unwrap();
                let heard = Arc::clone(&kept);
                let line = Line {
                    index,
                    stream,
                    peer,
                    heard,
                };
                lines.spawn(script(line));
            }
        });
        Self {
            address,
            heard,
            _tasks: tasks,
        }
    }

    /// A receiver that answers every request of every connection with `answer`.
    pub(crate) async fn answering(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::start(move |mut line| {
            let answer = answer.clone();
            async move { while line.exchange(&answer).await {} }
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was heard, each with the number of its connection.
    pub(crate) fn heard(&self) -> Vec<(usize, String)> {
        self.heard.lock().unwrap().clone()
    }

    /// The numbers of the connections over which requests came, in order.
    pub(crate) fn lines_used(&self) -> Vec<usize> {
        self.heard().iter().map(|(index, _)| *index).collect()
    }
}

impl<S> Line<S> {
    /// The same connection with another stream in place of its own.
    pub(crate) fn over<T>(self, stream: T) -> (S, Line<T>) {
        let Self {
            index,
            stream: old,
            peer,
            heard,
        } = self;
        (
            old,
            Line {
                index,
                stream,
                peer,
                heard,
            },
        )
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// Reads one request, head and body; `None` where the caller hung up.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(bytes).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        let request = head + &String::from_utf8(body).unwrap();
        self.heard
            .lock()
            .unwrap()
            .push((self.index, request.clone()));
        Some(request)
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    pub(crate) async fn exchange(&mut self, answer: &str) -> bool {
        self.hear().await.is_some() && self.say(answer).await
    }

    /// Stays silent until the caller hangs up.
    pub(crate) async fn wait_for_end(&mut self) {
        let mut sink = [0; 1024];
        while matches!(self.stream.read(&mut sink).await, Ok(1..)) {}
    }
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers for names; what it does not know it fails to resolve.
pub(crate) struct Names(pub(crate) Vec<(&'static str, Vec<IpAddr>)>);

impl Resolve for Names {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let found = self.0.iter().find(|(name, _)| *name == host);
        let answer = match found {
            Some((_, ips)) => Ok(ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect()),
            None => Err(io::Error::other("no such name")),
        };
        Box::pin(async move { answer })
    }
}

/// Settings that reach loopback and resolve `receiver.test` to it.
pub(crate) fn config() -> ClientConfig {
    ClientConfig {
        rules: NetworkRules {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
        },
        resolver: Arc::new(Names(vec![(
            "receiver.test",
            vec!["127.0.0.1".parse().unwrap()],
        )])),
        system_roots: false,
        ..ClientConfig::default()
    }
}

pub(crate) fn client() -> Client {
    Client::new(config()).unwrap()
}

pub(crate) fn post(url: &str, body: &'static str) -> Call {
    Call {
        method: Method::POST,
        target: Target::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(body.as_bytes()),
    }
}

pub(crate) fn profile(repeat: Repeat) -> CallProfile {
    CallProfile {
        connect_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(20),
        ..CallProfile::new(repeat)
    }
}

pub(crate) fn answered(exchange: Exchange) -> Answer {
    match exchange.reply {
        Reply::Answered(answer) => answer,
        other => panic!("not answered: {other:?}"),
    }
}

pub(crate) fn unanswered(exchange: Exchange) -> Unanswered {
    match exchange.reply {
        Reply::Unanswered(failure) => failure,
        other => panic!("not unanswered: {other:?}"),
    }
}

pub(crate) fn not_sent(exchange: Exchange) -> NotSent {
    match exchange.reply {
        Reply::NotSent(failure) => failure,
        other => panic!("not unsent: {other:?}"),
    }
}
