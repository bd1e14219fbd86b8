//! Any bytes: decoding and parsing end, with a tree and diagnostics whose spans lie in the text; what
//! parses without an error also formats, and its formatting parses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smpc_grammar::ast::FileId;
use smpc_grammar::{decode, format, parse};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = decode(bytes) else {
        return;
    };
    let parsed = parse(FileId(0), &text);
    for diagnostic in &parsed.diagnostics {
        assert!(diagnostic.span.start <= diagnostic.span.end);
        assert!(diagnostic.span.end as usize <= text.len());
    }
    if parsed.diagnostics.is_empty() {
        let again = format(&text).expect("what parses formats");
        assert!(parse(FileId(0), &again).diagnostics.is_empty());
    }
});
