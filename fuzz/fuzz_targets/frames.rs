//! Any bytes on a connection, in pieces of any size: frames within their bounds, or a fault; and the
//! pieces make no difference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smpc_runtime::net::frame::{Decoder, HEADER};

fuzz_target!(|bytes: &[u8]| {
    let [limit, piece, bytes @ ..] = bytes else {
        return;
    };
    let limit = u64::from(*limit) * 16;
    let whole = Decoder::new(limit).feed(bytes);
    let mut decoder = Decoder::new(limit);
    let mut frames = vec![];
    let mut fault = None;
    for part in bytes.chunks(usize::from(*piece) + 1) {
        let (more, end) = decoder.feed(part);
        frames.extend(more);
        if end.is_some() {
            fault = end;
            break;
        }
    }
    let carried: usize = frames.iter().map(|f| HEADER + f.contents.len()).sum();
    assert!(carried <= bytes.len());
    for frame in &frames {
        assert!(frame.contents.len() as u64 <= frame.kind.limit(limit));
    }
    assert_eq!((frames, fault), whole);
});
