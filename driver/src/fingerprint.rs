//! What parties compare before they compute together: SHA-256 of the script, the scheme and the
//! lowered program.
//!
//! The digests do not depend on the machine (as long as it is little-endian), on where files lie, on line ends, or on
//! how the program is carried out; an interpreted and a generated party of one script have the same.

use crate::pipeline::{Bound, Script};
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use smpc_ir::party::{Block, Op, Program, Sound, Value};
use smpc_ir::size::Size;
use smpc_ir::{Hash, Identity};
use std::hash::Hasher;

/// The identity of a script under a backend.
pub fn identity(sources: &Sources, script: &Script, bound: &Bound<Sound>) -> Identity {
    let arguments: Vec<String> = bound
        .arguments
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let scheme = format!("{}({})", bound.backend, arguments.join(", "));
    Identity {
        language: env!("CARGO_PKG_VERSION").to_owned(),
        script: (script.name.clone(), texts(sources, &script.files)),
        scheme: (scheme, texts(sources, &[bound.file])),
        program: program(&bound.program),
    }
}

/// The digest of texts one after another, with line ends as on Unix.
fn texts(sources: &Sources, files: &[FileId]) -> Hash {
    let mut hash = Fields::new("texts");
    for file in files.iter().filter_map(|file| sources.get(*file)) {
        hash.text(&file.text.replace("\r\n", "\n"));
    }
    hash.digest()
}

/// The digest of a party program. Places in the text and defaults of parameters take no part: the
/// text has a digest of its own, and parties compare the values of parameters.
pub fn program(program: &Program) -> Hash {
    let mut hash = Fields::new("party program");
    hash.list(&program.parties, |hash, name| hash.text(name));
    hash.number(program.ring_bits.into());
    hash.list(&program.sizes, |hash, size| {
        hash.text(&size.name);
        hash.data(&size.origin);
    });
    hash.list(&program.params, |hash, param| {
        hash.text(&param.name);
        hash.data(&param.ty);
    });
    hash.list(&program.inputs, |hash, input| {
        hash.text(&input.file);
        hash.data(&(
            input.party,
            &input.column,
            input.ty,
            input.text,
            &input.shape,
        ));
    });
    hash.list(&program.guards, |hash, guard| {
        hash.data(&(&guard.left, &guard.right))
    });
    hash.list(&program.values, |hash, value| {
        hash.data(&(value.elem, value.known_to, value.offline));
        hash.shape(&value.shape);
    });
    block(&mut hash, &program.body);
    hash.digest()
}

fn block(hash: &mut Fields, own: &Block) {
    hash.values(&own.params);
    hash.list(&own.steps, |hash, step| {
        hash.values(&step.args);
        hash.values(&step.results);
        match &step.op {
            Op::For { var, count, body } => {
                hash.data(&("for", var, count));
                block(hash, body);
            }
            Op::While {
                iterations,
                condition,
                body,
            } => {
                hash.data(&("while", iterations));
                block(hash, condition);
                block(hash, body);
            }
            Op::Switch { arms } => {
                hash.text("switch");
                hash.list(arms, block);
            }
            Op::Reduce { half, body } => {
                hash.data(&("reduce", half));
                block(hash, body);
            }
            Op::Scan { half, body } => {
                hash.data(&("scan", half));
                block(hash, body);
            }
            // These hold numbers and names only.
            op @ (Op::Local(_)
            | Op::FractionBits
            | Op::Input(_)
            | Op::Param(_)
            | Op::Coin(_)
            | Op::Send { .. }
            | Op::Output { .. }
            | Op::Check { .. }
            | Op::Barrier
            | Op::Probe { .. }) => hash.data(op),
        }
    });
    hash.values(&own.results);
}

/// A digest of fields, each with its length before it, so that no two lists of fields look alike.
struct Fields {
    sha: Sha256,
    /// Bytes that are not in the digest yet: most fields are short.
    pending: Vec<u8>,
    /// Shapes with their numbers: few are new.
    shapes: FxHashMap<Vec<Size>, u64>,
}

/// How many bytes may wait.
const PENDING: usize = 1 << 12;

impl Fields {
    fn new(subject: &str) -> Self {
        let mut fields = Self {
            sha: Sha256::new(),
            pending: Vec::with_capacity(2 * PENDING),
            shapes: FxHashMap::default(),
        };
        fields.text(subject);
        fields
    }

    fn number(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.write(text.as_bytes());
    }

    /// Plain data, as its derived [`Hash`](std::hash::Hash) gives it: variants and lengths come first.
    fn data(&mut self, data: &impl std::hash::Hash) {
        data.hash(self);
    }

    /// A shape: all of it the first time, then its number, from 1.
    fn shape(&mut self, shape: &[Size]) {
        match self.shapes.get(shape) {
            Some(known) => self.number(*known),
            None => {
                self.number(0);
                self.data(&shape);
                let number = self.shapes.len() as u64 + 1;
                self.shapes.insert(shape.to_vec(), number);
            }
        }
    }

    fn list<T>(&mut self, list: &[T], mut one: impl FnMut(&mut Self, &T)) {
        self.number(list.len() as u64);
        for item in list {
            one(self, item);
        }
    }

    fn values(&mut self, values: &[Value]) {
        self.list(values, |hash, value| hash.number(value.0.into()));
    }

    fn digest(mut self) -> Hash {
        self.sha.update(&self.pending);
        self.sha.finalize().into()
    }
}

/// Takes in what derived code hands over, numbers as little-endian bytes of their width.
impl Hasher for Fields {
    fn write(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PENDING {
            self.sha.update(&self.pending);
            self.pending.clear();
        }
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_u128(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.number(number as u64);
    }

    /// Nobody asks for the short value.
    fn finish(&self) -> u64 {
        0
    }
}
