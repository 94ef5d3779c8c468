//! A FIDO key behind an agent: a real server checks what the token signs.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use russh::keys::signature::Signer as _;
use russh::keys::ssh_key::Signature;
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use sha2::{Digest as _, Sha256};

use crate::domain::attention::Question;
use crate::domain::target::SshSettings;
use crate::ssh::dial::dial_asking;
use crate::ssh::people::{Answer, Notice, People, Prompter};
use crate::ssh::testing::Sshd;

const KIND: &str = "sk-ssh-ed25519@openssh.com";
const APPLICATION: &str = "ssh:";
/// That somebody has touched it.
const TOUCHED: u8 = 1;

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length, bytes].concat()
}

/// Takes the string off that `bytes` begin with.
fn take_string<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let (length, rest) = bytes.split_at(4);
    let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
    let (string, rest) = rest.split_at(length);
    *bytes = rest;
    string
}

/// A token, and the agent that it is plugged into.
struct Token {
    key: PrivateKey,
    signed: u32,
}

impl Token {
    fn public(&self) -> Vec<u8> {
        let key = self.key.public_key().key_data().ed25519().unwrap().0;
        [string(KIND.as_bytes()), string(&key), string(APPLICATION.as_bytes())].concat()
    }

    /// What a token signs is not the data, but that it was touched for it.
    fn sign(&mut self, data: &[u8]) -> Vec<u8> {
        self.signed += 1;
        let counter = self.signed.to_be_bytes();
        let application = Sha256::digest(APPLICATION.as_bytes());
        let message = [&application[..], &[TOUCHED], &counter, &Sha256::digest(data)[..]].concat();
        let signature: Signature = self.key.try_sign(&message).unwrap();
        let parts = [string(KIND.as_bytes()), string(signature.as_bytes()), vec![TOUCHED]].concat();
        [&parts[..], &counter].concat()
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let (kind, mut rest) = (request[0], &request[1..]);
        match kind {
            11 => {
                let key = [string(&self.public()), string(b"yubi")].concat();
                [&[12, 0, 0, 0, 1][..], &key].concat()
            }
            13 => {
                take_string(&mut rest);
                let signature = self.sign(take_string(&mut rest));
                [&[14][..], &string(&signature)].concat()
            }
            _ => vec![5],
        }
    }

    fn serve(mut self, mut stream: UnixStream) {
        let mut length = [0; 4];
        while stream.read_exact(&mut length).is_ok() {
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            let answer = self.answer(&request);
            if stream.write_all(&string(&answer)).is_err() {
                return;
            }
        }
    }
}

/// What was shown, and whether it is taken away again.
#[derive(Debug, Default)]
struct Screen {
    shown: Mutex<Vec<Question>>,
    gone: Arc<Mutex<usize>>,
}

struct Shown(Arc<Mutex<usize>>);

impl Drop for Shown {
    fn drop(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

impl Prompter for Screen {
    fn ask<'a>(&'a self, question: &'a Question, _again: bool) -> Answer<'a> {
        panic!("nobody is asked: {question:?}");
    }

    fn refuse(&self, _question: &Question) {}

    fn show(&self, question: Question) -> Notice {
        self.shown.lock().unwrap().push(question);
        Box::new(Shown(self.gone.clone()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_key_of_the_agent_logs_in_and_a_person_is_told_to_touch_it() {
    let sshd = Sshd::start("");
    let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap();
    let token = Token { key, signed: 0 };
    let public = PublicKey::from_bytes(&token.public()).unwrap().to_openssh().unwrap();
    std::fs::write(sshd.path("authorized_keys"), format!("{public}\n")).unwrap();
    let socket: PathBuf = sshd.path("token");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || token.serve(listener.accept().unwrap().0));

    let settings = SshSettings { agent_socket: Some(socket), ..sshd.settings(&[]) };
    let screen = Arc::new(Screen::default());
    let people = People { askpass: None, prompter: Some(screen.clone()) };
    dial_asking(&settings, people, &|_| {}).await.unwrap();
    assert_eq!(*screen.shown.lock().unwrap(), [Question::Touch { key: "yubi".to_owned() }]);
    assert_eq!(*screen.gone.lock().unwrap(), 1, "it is over with the login");
}
