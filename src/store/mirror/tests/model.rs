use proptest::prelude::*;

use super::*;

/// Something that is done to a mirror.
#[derive(Debug, Clone)]
enum Step {
    Append(Stream, Vec<Vec<u8>>),
    /// So many bytes never come.
    Skip(Stream, u64),
    /// A list of gaps whose last line was cut short, as by a power cut.
    TearList(Stream),
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
        2 => (stream(), 0u64..60).prop_map(|(stream, bytes)| Step::Skip(stream, bytes)),
        1 => stream().prop_map(Step::TearList),
        1 => bytes().prop_map(Step::Input),
        3 => (stream(), 0u64..400, 0usize..400)
            .prop_map(|(stream, offset, max)| Step::Read(stream, offset, max)),
        1 => Just(Step::Reopen),
    ]
}

/// What a mirror is, without files: each byte of a stream, or that it is none.
#[derive(Default)]
struct Model {
    out: Vec<Option<u8>>,
    err: Vec<Option<u8>>,
    input: Vec<u8>,
}

impl Model {
    fn of(&mut self, stream: Stream) -> &mut Vec<Option<u8>> {
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
                model.of(stream).extend(parts.concat().into_iter().map(Some));
                let parts = parts.into_iter().map(Bytes::from).collect();
                let length = writer.append(stream, parts).await.unwrap();
                assert_eq!(length, model.of(stream).len() as u64);
            }
            Step::Skip(stream, bytes) => {
                let to = model.of(stream).len() as u64 + bytes;
                model.of(stream).resize(to as usize, None);
                assert_eq!(writer.skip_to(stream, to).await.unwrap(), to);
                // What lies behind is no gap.
                assert_eq!(writer.skip_to(stream, to / 2).await.unwrap(), to);
            }
            Step::TearList(stream) => {
                use std::io::Write as _;
                let list = mirror.dir().join(stream.gaps_file_name());
                if let Ok(mut list) = std::fs::OpenOptions::new().append(true).open(list) {
                    list.write_all(b"99").unwrap();
                }
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
                let rest: Vec<u8> = rest.iter().map(|byte| byte.unwrap_or(0)).collect();
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
    for stream in Stream::BOTH {
        let length = model.of(stream).len() as u64;
        let gaps = mirror.gaps(stream).await.unwrap();
        let mut seen = vec![None; length as usize];
        let mut at = 0;
        while at < length {
            let stretch = gaps.stretch(at, length);
            let size = stretch.bytes() as usize;
            let read = mirror.read_at(stream, stretch.start, size).await.unwrap();
            for (place, byte) in seen[stretch.start as usize..].iter_mut().zip(read) {
                *place = Some(byte);
            }
            at = stretch.end;
        }
        assert_eq!(&seen, model.of(stream), "{stream}");
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
    fn a_mirror_is_three_byte_strings_that_only_grow_with_gaps_where_it_says(
        steps in prop::collection::vec(step(), 0..30)
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(compare(steps));
    }
}
