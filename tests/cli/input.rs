//! Standard input and prompts.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_streamed_and_waits_where_there_is_no_room() {
    let fake = daemon();
    fake.refuse_input(3);
    let mut child = longhaul(fake.dir(), &["run", "--stdin", "-", "--", "cat"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a line\n").await.unwrap();
    eventually(|| fake.ids().first().is_some_and(|id| fake.input_of(id) == b"a line\n")).await;
    let sent = noise(1_000_003);
    stdin.write_all(&sent).await.unwrap();
    drop(stdin);
    let id = fake.ids()[0].clone();
    eventually(|| !fake.view(&id).stdin.open).await;
    assert!(fake.input_of(&id) == [b"a line\n".as_slice(), &sent].concat());
    fake.exit(&id, Exit::Code(0));
    assert_eq!(wait(&mut child).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_sent_though_the_first_question_is_not_answered() {
    let fake = daemon();
    fake.on_run(|fake, _, _| fake.cut_off_views(3));
    let mut child = longhaul(fake.dir(), &["run", "--stdin", "-", "--", "cat"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a line\n").await.unwrap();
    eventually(|| fake.ids().first().is_some_and(|id| !fake.view(id).stdin.open)).await;
    let id = fake.ids()[0].clone();
    assert_eq!(fake.input_of(&id), b"a line\n");
    fake.exit(&id, Exit::Code(0));
    assert_eq!(wait(&mut child).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_end_before_its_input_does() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.exit(id, Exit::Code(0)));
    let mut child = longhaul(fake.dir(), &["run", "--stdin", "-", "--", "true"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // Held open: nothing is ever written to it.
    let _stdin = child.stdin.take().unwrap();
    assert_eq!(wait(&mut child).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn send_adds_a_line_or_a_file_and_ends_the_input() {
    let fake = daemon();
    let id = fake.add(1, &RunRequest { stdin_open: true, ..RunRequest::default() });
    let name = id.as_str();
    assert_output(&run(&fake, &["send", name, "-yes"]).await, 0, "", "");
    assert_output(&run(&fake, &["send", "-n", name, "no line"]).await, 0, "", "");
    assert_eq!(text(&fake.input_of(&id)), "-yes\nno line");
    std::fs::write(fake.dir().join("in"), noise(300_000)).unwrap();
    let mut command = longhaul(fake.dir(), &["send", name, "--eof"]);
    command.stdin(std::fs::File::open(fake.dir().join("in")).unwrap());
    assert_output(&output(command).await, 0, "", "");
    assert_eq!(fake.input_of(&id).len(), 300_000 + 12);
    let closed = run(&fake, &["send", name, "more"]).await;
    let said =
        "longhaul: session 0000000001 takes no input\n  try: longhaul run -i … keeps it open\n";
    assert_output(&closed, 1, "", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_comes_from_a_file_or_standard_input_and_is_text() {
    let fake = daemon();
    fake.on_run(|fake, id, _| fake.exit(id, Exit::Code(0)));
    // Larger than the bound of every other request.
    let long = "é".repeat(200_000);
    std::fs::write(fake.dir().join("p"), &long).unwrap();
    run(&fake, &["run", "--agent", "a", "--prompt-file", "p"]).await;
    let mut command = longhaul(fake.dir(), &["run", "--agent", "a", "--prompt-file", "-"]);
    command.stdin(std::fs::File::open(fake.dir().join("p")).unwrap());
    assert_output(&output(command).await, 0, "", "");
    let prompts: Vec<_> = fake.requests().into_iter().map(|request| request.prompt).collect();
    assert!(prompts == [Some(long.clone()), Some(long)]);
    std::fs::write(fake.dir().join("bad"), b"ab\xff").unwrap();
    let bad = run(&fake, &["run", "--agent", "a", "--prompt-file", "bad"]).await;
    assert_output(&bad, 125, "", "longhaul: bad is not UTF-8: byte 2 is no character's\n");
    let missing = run(&fake, &["run", "--agent", "a", "--prompt-file", "nope"]).await;
    let said = "longhaul: could not read nope: No such file or directory (os error 2)\n";
    assert_output(&missing, 125, "", said);
}
