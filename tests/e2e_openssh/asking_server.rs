//! A server that lets in whoever answers, and opens no channel: sshd asks for the
//! password of a real account, and no test has one.

use std::borrow::Cow;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, Config, Handler, Response, run_stream};
use russh::{MethodKind, MethodSet};

/// What it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// This password.
    Password(&'static str),
    /// Both codes, in one conversation, under the same words.
    Codes(&'static str, &'static str),
}

/// The server; it lives as long as the test's process.
#[derive(Debug)]
pub(crate) struct AskingServer {
    port: u16,
}

impl AskingServer {
    pub(crate) fn start(wants: Wants) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve(listener, wants));
        });
        Self { port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

async fn serve(listener: TcpListener, wants: Wants) {
    let config = Arc::new(Config {
        keys: vec![PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()],
        methods: methods(wants),
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        ..Config::default()
    });
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let login = Login { wants, asked: false };
        let running = run_stream(config.clone(), stream, login);
        tokio::spawn(async move {
            if let Ok(session) = running.await {
                let _ = session.await;
            }
        });
    }
}

fn methods(wants: Wants) -> MethodSet {
    let method = match wants {
        Wants::Password(_) => MethodKind::Password,
        Wants::Codes(..) => MethodKind::KeyboardInteractive,
    };
    MethodSet::from(&[method][..])
}

struct Login {
    wants: Wants,
    asked: bool,
}

impl Login {
    fn judge(&self, right: bool) -> Auth {
        match right {
            true => Auth::Accept,
            false => Auth::Reject {
                proceed_with_methods: Some(methods(self.wants)),
                partial_success: false,
            },
        }
    }
}

impl Handler for Login {
    type Error = russh::Error;

    async fn auth_password(&mut self, _user: &str, given: &str) -> Result<Auth, russh::Error> {
        Ok(self.judge(matches!(self.wants, Wants::Password(right) if given == right)))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Wants::Codes(first, second) = self.wants else { return Ok(self.judge(false)) };
        let Some(response) = response.filter(|_| self.asked) else {
            self.asked = true;
            let prompts = vec![(Cow::from("Code: "), false); 2];
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: prompts.into(),
            });
        };
        self.asked = false;
        let given: Vec<String> =
            response.map(|given| String::from_utf8_lossy(&given).into_owned()).collect();
        Ok(self.judge(given == [first, second]))
    }
}
