//! Any bytes as a peer's account of what it runs: what is accepted is what would be written, and
//! holds nothing that could draw on a terminal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smpc_runtime::net::hello::{Agreement, Hello, PROTOCOL, difference};

fuzz_target!(|bytes: &[u8]| {
    let Ok(hello) = Hello::decode(bytes) else {
        // Deeper: behind the magic number and the version.
        let mut all = b"SMPC".to_vec();
        all.extend(PROTOCOL.to_le_bytes());
        all.extend(bytes);
        if let Ok(hello) = Hello::decode(&all) {
            assert_eq!(hello.encode(), all);
        }
        return;
    };
    assert_eq!(hello.encode(), bytes);
    let text = difference(&Agreement::default(), &hello.agreement, "bob");
    assert!(text.is_none_or(|text| !text.contains(char::is_control)));
});
