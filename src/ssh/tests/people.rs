//! Logging in where a person is asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::attention::{Matter, Question, QuestionKind, Reply};
use crate::domain::failure::trouble::{KeyOutcome, KeySource, LinkTrouble, TriedKey};
use crate::domain::secret::Secret;
use crate::domain::ssh_options::AddKeys;
use crate::domain::target::{SshSettings, UnknownHost, Update};
use crate::ssh::dial::dial_asking;
use crate::ssh::fake::{self, Door};
use crate::ssh::people::{Answer, Notice, PATIENCE, People, Prompter};
use crate::ssh::testing::{PASSPHRASE, Sshd, bare_settings};

/// A person who says one thing after the other, and then nothing more.
#[derive(Debug, Default)]
pub(in crate::ssh) struct Person {
    says: Mutex<Vec<Option<&'static str>>>,
    /// What they were asked, with whether it was again.
    asked: Mutex<Vec<(Question, bool)>>,
    refused: Mutex<Vec<Question>>,
    /// How long they take.
    slow: Duration,
}

impl Person {
    pub(in crate::ssh) fn who_says(says: &[&'static str]) -> Arc<Self> {
        let says = says.iter().rev().map(|text| Some(*text)).collect();
        Arc::new(Self { says: Mutex::new(says), ..Self::default() })
    }

    pub(in crate::ssh) fn kinds(&self) -> Vec<QuestionKind> {
        self.asked.lock().unwrap().iter().map(|(question, _)| question.kind()).collect()
    }

    fn again(&self) -> Vec<bool> {
        self.asked.lock().unwrap().iter().map(|(_, again)| *again).collect()
    }
}

impl Prompter for Person {
    fn ask<'a>(&'a self, question: &'a Question, again: bool) -> Answer<'a> {
        self.asked.lock().unwrap().push((question.clone(), again));
        let says = self.says.lock().unwrap().pop().flatten();
        Box::pin(async move {
            sleep(self.slow).await;
            match says {
                Some(text) => Some(question.reply(Secret::new(text)).unwrap()),
                None => std::future::pending().await,
            }
        })
    }

    fn refuse(&self, question: &Question) {
        self.refused.lock().unwrap().push(question.clone());
    }

    fn show(&self, question: Question) -> Notice {
        self.asked.lock().unwrap().push((question, false));
        Box::new(())
    }
}

fn settings() -> SshSettings {
    SshSettings { user: "ann".to_owned(), host_key_name: "box".to_owned(), ..bare_settings() }
}

async fn login(door: Door, person: &Arc<Person>) -> Result<(), LinkTrouble> {
    fake::login(&settings(), door, person.clone()).await.map(drop)
}

fn refused(method: &str) -> LinkTrouble {
    let source = KeySource::Person(method.to_owned());
    LinkTrouble::AuthDenied {
        user: "ann".to_owned(),
        tried: vec![TriedKey { source, outcome: KeyOutcome::Refused }],
        methods: vec![method.to_owned()],
    }
}

#[tokio::test]
async fn a_person_gives_what_the_server_wants() {
    use QuestionKind::{Password, Prompt};
    let cases: [(Door, &[&'static str], &[QuestionKind]); 4] = [
        (Door::Password("sesame"), &["sesame"], &[Password]),
        (Door::Code("123"), &["123"], &[Prompt]),
        (Door::Codes("123", "blue"), &["123", "blue"], &[Prompt, Prompt]),
        (Door::Both("sesame", "123"), &["sesame", "123"], &[Password, Prompt]),
    ];
    for (door, says, kinds) in cases {
        let person = Person::who_says(says);
        assert_eq!(login(door, &person).await, Ok(()), "{door:?}");
        assert_eq!(person.kinds(), kinds, "{door:?}");
        assert!(person.refused.lock().unwrap().is_empty(), "{door:?}");
    }
}

#[tokio::test]
async fn a_prompt_says_who_asks_for_what() {
    let person = Person::who_says(&["123"]);
    login(Door::Code("123"), &person).await.unwrap();
    let asked = person.asked.lock().unwrap()[0].0.words();
    assert_eq!(asked, "a second look\nYour phone has it.\n(ann@box) Code: ");
}

#[tokio::test]
async fn a_wrong_answer_is_forgotten_and_asked_for_again_up_to_three_times() {
    for (door, method) in
        [(Door::Password("right"), "password"), (Door::Code("right"), "keyboard-interactive")]
    {
        let person = Person::who_says(&["wrong", "right"]);
        assert_eq!(login(door, &person).await, Ok(()), "{door:?}");
        assert_eq!(person.again(), [false, true], "{door:?}");

        let person = Person::who_says(&["wrong", "wrong", "wrong", "right"]);
        assert_eq!(login(door, &person).await, Err(refused(method)), "{door:?}");
        assert_eq!(person.again(), [false, true, true], "{door:?}");
        let forgotten = person.refused.lock().unwrap().len();
        assert_eq!(forgotten, if method == "password" { 3 } else { 0 }, "a code was used up");
    }
}

#[tokio::test]
async fn of_the_prompts_of_one_conversation_only_the_first_follows_upon_a_refusal() {
    let person = Person::who_says(&["123", "red", "123", "blue"]);
    assert_eq!(login(Door::Codes("123", "blue"), &person).await, Ok(()));
    assert_eq!(person.again(), [false, false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_person_may_take_longer_than_the_server_and_not_for_ever() {
    let slow = Duration::from_secs(80);
    let says = Mutex::new(vec![Some("sesame")]);
    let person = Arc::new(Person { says, slow, ..Person::default() });
    assert_eq!(login(Door::Password("sesame"), &person).await, Ok(()));

    let person = Person::who_says(&[]);
    let began = Instant::now();
    let trouble = login(Door::Password("sesame"), &person).await.unwrap_err();
    let question = Question::Password { user: "ann".to_owned(), host: "box".to_owned() };
    assert_eq!(trouble, LinkTrouble::Unanswered { question });
    assert!(began.elapsed() >= PATIENCE, "{:?}", began.elapsed());
    assert_eq!(person.kinds().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_answers_share_one_patience() {
    let slow = Duration::from_secs(80);
    let says = Mutex::new(vec![Some("123"), Some("sesame")]);
    let person = Arc::new(Person { says, slow, ..Person::default() });
    let trouble = login(Door::Both("sesame", "123"), &person).await.unwrap_err();
    assert!(trouble.is_unanswered(), "{trouble:?}");
}

#[tokio::test]
async fn nobody_is_tried_where_there_is_nobody_to_ask() {
    let people = People::default();
    let trouble = fake::reach(&settings(), 1, Door::Password("sesame"), people).await.unwrap_err();
    let (tried, methods) = (Vec::new(), vec!["password".to_owned()]);
    assert_eq!(trouble, LinkTrouble::AuthDenied { user: "ann".to_owned(), tried, methods });
}

pub(in crate::ssh) fn asking(person: &Arc<Person>) -> People {
    People { askpass: None, prompter: Some(person.clone()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_takes_the_key_that_a_person_unlocks() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", PASSPHRASE);
    sshd.authorize(&key);
    let settings = sshd.settings(&[&key]);
    let person = Person::who_says(&["wrong", PASSPHRASE]);
    dial_asking(&settings, asking(&person), &|_| {}).await.unwrap();
    let question = Question::Passphrase { file: key.clone() };
    let asked = person.asked.lock().unwrap().clone();
    assert_eq!(asked, [(question.clone(), false), (question.clone(), true)]);
    assert_eq!(*person.refused.lock().unwrap(), [question]);
    // Nothing, as with ssh: the next key, and there is none.
    let person = Person::who_says(&[""]);
    let trouble = dial_asking(&settings, asking(&person), &|_| {}).await.unwrap_err();
    assert_eq!(trouble, LinkTrouble::PassphraseNeeded { file: key });
}

#[tokio::test(flavor = "multi_thread")]
async fn askpass_goes_before_the_person() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", PASSPHRASE);
    sshd.authorize(&key);
    let person = Person::who_says(&[PASSPHRASE]);
    let people = People { askpass: Some(sshd.askpass(PASSPHRASE)), ..asking(&person) };
    dial_asking(&sshd.settings(&[&key]), people, &|_| {}).await.unwrap();
    assert!(person.kinds().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_wait_ends_the_question_and_is_not_dialled_again() {
    let person = Person::who_says(&[]);
    let began = Instant::now();
    let trouble = login(Door::Impatient(Duration::from_secs(20)), &person).await.unwrap_err();
    // Not a closed connection, which heals by itself.
    let question = Question::Password { user: "ann".to_owned(), host: "box".to_owned() };
    assert_eq!(trouble, LinkTrouble::Unanswered { question });
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_about_a_host_that_is_not_known_where_ssh_asks() {
    let (sshd, settings) = Sshd::ready();
    let settings = SshSettings { unknown_host: UnknownHost::Ask, ..settings };
    let dial = async |person: &Arc<Person>| {
        dial_asking(&settings, asking(person), &|_| {}).await.map(drop)
    };
    let person = Person::who_says(&["no"]);
    assert!(matches!(dial(&person).await, Err(LinkTrouble::HostKeyUnknown { .. })));
    assert_eq!(sshd.known_hosts(), "");
    let person = Person::who_says(&["yes"]);
    assert_eq!(dial(&person).await, Ok(()));
    assert_eq!(person.kinds(), [QuestionKind::HostKey]);
    assert_eq!(sshd.known_hosts().lines().count(), 1);
    // It is known now, and nobody is asked.
    let person = Person::who_says(&[]);
    assert_eq!(dial(&person).await, Ok(()));
    assert!(person.kinds().is_empty());
}

/// Until it holds; what is done after a login is seen by what comes of it.
async fn eventually(holds: impl Fn() -> bool) {
    let waited = async {
        while !holds() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_gets_a_key_after_a_yes_where_that_is_asked() {
    let sshd = Sshd::start("");
    let key = sshd.key("id", "ed25519", PASSPHRASE);
    sshd.authorize(&key);
    let agent = sshd.agent(&[]);
    let mut settings = sshd.settings(&[&key]);
    settings.agent_socket = Some(agent.socket.clone());
    settings.login.add_keys = AddKeys::Yes { asks: true, confirm: false, lifetime: None };
    let question = Question::Confirm { about: Matter::AddKey { file: key.clone() } };
    for (answer, prompts) in [("no", 2), ("yes", 2)] {
        let person = Person::who_says(&[PASSPHRASE, answer]);
        // A link that is gone asks nothing more.
        let _link = dial_asking(&settings, asking(&person), &|_| {}).await.unwrap();
        eventually(|| person.asked.lock().unwrap().len() == prompts).await;
        assert_eq!(person.asked.lock().unwrap()[1], (question.clone(), false));
        if answer == "yes" {
            eventually(|| !held(&agent.socket).contains("no identities")).await;
        }
    }
    // The agent has it: nobody is asked anything.
    let person = Person::who_says(&[]);
    dial_asking(&settings, asking(&person), &|_| {}).await.unwrap();
    assert!(person.kinds().is_empty());
}

fn held(agent: &std::path::Path) -> String {
    let mut listed = std::process::Command::new("ssh-add");
    listed.arg("-l").env("SSH_AUTH_SOCK", agent);
    String::from_utf8(listed.output().unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_tells_of_its_keys_is_written_down_after_a_yes_where_that_is_asked() {
    let sshd = Sshd::with_host_keys(&["ed25519", "rsa"], "");
    let key = sshd.key("id", "ed25519", "");
    sshd.authorize(&key);
    let mut settings = sshd.settings(&[&key]);
    settings.host_key_rules.update = Update::Ask;
    for (answer, lines) in [("no", 1), ("yes", 2)] {
        let person = Person::who_says(&[answer]);
        let link = dial_asking(&settings, asking(&person), &|_| {}).await.unwrap();
        eventually(|| person.kinds() == [QuestionKind::Confirm]).await;
        eventually(|| sshd.known_hosts().lines().count() == lines).await;
        link.close().await;
    }
    assert!(sshd.known_hosts().contains("ssh-rsa"), "{}", sshd.known_hosts());
}

#[test]
fn a_reply_to_a_prompt_may_be_empty() {
    let question = Question::Password { user: "ann".to_owned(), host: "box".to_owned() };
    assert_eq!(question.reply(Secret::new("")), Ok(Reply::Given(Secret::new(""))));
}
