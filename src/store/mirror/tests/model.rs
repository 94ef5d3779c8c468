use proptest::prelude::*;

use super::*;

/// Something that is done to a mirror.
#[derive(Debug, Clone)]
enum Step {
    Append(Stream, Vec<Vec<u8>>),
    Input(Vec<u8>),
    Read(Stream, u64, usize),
    /// A new handle and a new writer, as after a restart.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let stream = || prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = || prop::collection::vec(any::<u8>(), 0..50);
    prop_oneof![
        4 => (stream(), prop::collection::vec(bytes(), 0..5))
            .prop_map(|(stream, parts)| Step::Append(stream, parts)),
        1 => bytes().prop_map(Step::Input),
        3 => (stream(), 0u64..400, 0usize..400)
            .prop_map(|(stream, offset, max)| Step::Read(stream, offset, max)),
        1 => Just(Step::Reopen),
    ]
}

/// What a mirror is, without files.
#[derive(Default)]
struct Model {
    out: Vec<u8>,
    err: Vec<u8>,
    input: Vec<u8>,
}

impl Model {
    fn of(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        }
    }
}

/// Does the steps to both, and compares every answer.
async fn compare(steps: Vec<Step>) {
    let (mut mirror, _dir) = mirror().await;
    let mut writer = mirror.writer().await.unwrap();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Append(stream, parts) => {
                model.of(stream).extend(parts.concat());
                let parts = parts.into_iter().map(Bytes::from).collect();
                let length = writer.append(stream, parts).await.unwrap();
                assert_eq!(length, model.of(stream).len() as u64);
            }
            Step::Input(bytes) => {
                model.input.extend(&bytes);
                let piece = Piece { bytes: bytes.into(), ..Piece::default() };
                let accepted = model.input.len() as u64;
                let taken = mirror.take_input(piece).await.unwrap();
                assert_eq!(taken, Taken::Here { accepted, ended: false });
            }
            Step::Read(stream, offset, max) => {
                let rest = model.of(stream).get(offset as usize..).unwrap_or_default();
                let read = mirror.read_at(stream, offset, max).await.unwrap();
                assert_eq!(read, rest[..rest.len().min(max)]);
            }
            Step::Reopen => {
                drop(writer);
                mirror = Mirror::open(mirror.dir()).await.unwrap();
                writer = mirror.writer().await.unwrap();
            }
        }
    }
    let lengths = Lengths {
        stdout: model.out.len() as u64,
        stderr: model.err.len() as u64,
        stdin: model.input.len() as u64,
    };
    assert_eq!(mirror.lengths().await.unwrap(), lengths);
    assert_eq!(mirror.input_from(0, usize::MAX).await.unwrap(), model.input);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_mirror_is_three_byte_strings_that_only_grow(
        steps in prop::collection::vec(step(), 0..30)
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(compare(steps));
    }
}
