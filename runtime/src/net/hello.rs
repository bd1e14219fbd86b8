//! What parties must agree on before they run, how it is written on the wire, and how two
//! accounts are compared.

use std::fmt::Write as _;

use crate::number::decimal;

/// `SMPC`, then the version of the wire.
const MAGIC: [u8; 4] = *b"SMPC";

/// The wire's version: frames and this handshake.
pub const PROTOCOL: u32 = 3;

/// Longest text of a field in bytes.
const TEXT: usize = 1 << 12;

/// So many differing entries of a list are named.
const SHOWN: usize = 8;

/// What all parties must agree on. A difference is named on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Version of the wire: [`PROTOCOL`].
    pub protocol: u32,
    /// Version of the language.
    pub language: String,
    /// Name of the script, and the digest of all its texts. Names may differ.
    pub script: (String, [u8; 32]),
    /// The scheme with its arguments, and the digest of its text.
    pub scheme: (String, [u8; 32]),
    /// Digest of the lowered program.
    pub program: [u8; 32],
    /// What the connection is for: a run, preparing, a run on prepared material of an identifier.
    pub purpose: String,
    /// Names of the parties.
    pub parties: Vec<String>,
    /// Parameters, by name.
    pub params: Vec<(String, i128)>,
    /// Those of them that are in units of 2^-64. It is how they are shown, and not sent.
    pub fixed: Vec<String>,
    /// Sizes, by name, as far as this party knows them: those of its own inputs.
    pub sizes: Vec<(String, Option<i128>)>,
}

/// The first frame of either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Position of the sender.
    pub from: u32,
    /// Position of the receiver.
    pub to: u32,
    /// What the sender runs.
    pub agreement: Agreement,
}

/// Why bytes are no [`Hello`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelloError {
    /// They are something else, or damaged.
    Malformed,
    /// Another version of the wire.
    Version(u32),
}

impl Hello {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let a = &self.agreement;
        let mut out = Writer(MAGIC.to_vec());
        out.word(a.protocol);
        out.word(self.from);
        out.word(self.to);
        out.text(&a.language);
        out.text(&a.script.0);
        out.0.extend(a.script.1);
        out.text(&a.scheme.0);
        out.0.extend(a.scheme.1);
        out.0.extend(a.program);
        out.text(&a.purpose);
        out.count(a.parties.len());
        a.parties.iter().for_each(|p| out.text(p));
        out.count(a.params.len());
        for (name, value) in &a.params {
            out.text(name);
            out.0.extend(value.to_le_bytes());
        }
        out.sizes(&a.sizes);
        out.0
    }

    /// From bytes.
    ///
    /// # Errors
    /// They are not what [`Hello::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, HelloError> {
        let mut from = Reader(bytes);
        let magic = from.array();
        let version = from.word();
        match (magic, version) {
            (Some(MAGIC), Some(PROTOCOL)) => {}
            (Some(MAGIC), Some(other)) => return Err(HelloError::Version(other)),
            _ => return Err(HelloError::Malformed),
        }
        let hello = from.hello().ok_or(HelloError::Malformed)?;
        if from.0.is_empty() {
            Ok(hello)
        } else {
            Err(HelloError::Malformed)
        }
    }
}

/// Sizes as the contents of a frame.
pub fn encode_sizes(sizes: &[(String, Option<i128>)]) -> Vec<u8> {
    let mut out = Writer(vec![]);
    out.sizes(sizes);
    out.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn word(&mut self, word: u32) {
        self.0.extend(word.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.word(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &str) {
        let end = text.floor_char_boundary(TEXT);
        self.count(end);
        self.0.extend(&text.as_bytes()[..end]);
    }

    fn sizes(&mut self, sizes: &[(String, Option<i128>)]) {
        self.count(sizes.len());
        for (name, value) in sizes {
            self.text(name);
            self.0.push(u8::from(value.is_some()));
            self.0.extend(value.unwrap_or(0).to_le_bytes());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.word()?).ok().filter(|l| *l <= TEXT)?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let text = str::from_utf8(head).ok()?;
        let printable = !text.chars().any(char::is_control);
        printable.then(|| text.to_owned())
    }

    /// A list; memory grows with what is there, not with what the count says.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.word()?;
        let mut items = vec![];
        for _ in 0..count {
            items.push(item(self)?);
        }
        Some(items)
    }

    fn hello(&mut self) -> Option<Hello> {
        Some(Hello {
            from: self.word()?,
            to: self.word()?,
            agreement: Agreement {
                protocol: PROTOCOL,
                language: self.text()?,
                script: (self.text()?, self.array()?),
                scheme: (self.text()?, self.array()?),
                program: self.array()?,
                purpose: self.text()?,
                parties: self.list(Self::text)?,
                params: self.list(|r| Some((r.text()?, i128::from_le_bytes(r.array()?))))?,
                fixed: vec![],
                sizes: self.list(|r| {
                    let name = r.text()?;
                    let [known] = r.array()?;
                    let value = i128::from_le_bytes(r.array()?);
                    match (known, value) {
                        (0, 0) => Some((name, None)),
                        (1, value) => Some((name, Some(value))),
                        _ => None,
                    }
                })?,
            },
        })
    }
}

/// The differences between what runs here and what runs at `peer`, in words; none if they agree.
pub fn difference(own: &Agreement, theirs: &Agreement, peer: &str) -> Option<String> {
    let mut found = vec![];
    let mut unequal = |what: &str, here: &str, there: &str| {
        if here != there {
            found.push(format!("{what} {here} here, {there} at {peer}"));
        }
    };
    unequal("language", &own.language, &theirs.language);
    unequal("purpose", &own.purpose, &theirs.purpose);
    unequal("scheme", &own.scheme.0, &theirs.scheme.0);
    let (here, there) = (own.parties.join(", "), theirs.parties.join(", "));
    unequal("parties", &here, &there);
    let (here, there) = differing(&own.params, &theirs.params, |name, v| {
        match own.fixed.iter().any(|fixed| fixed == name) {
            true => decimal(*v),
            false => v.to_string(),
        }
    });
    unequal("params", &here, &there);
    let sizes = |all: &[(String, Option<i128>)], other: &[(String, Option<i128>)]| {
        let known = |(name, value): &(String, Option<i128>)| {
            let comparable = match other.iter().find(|(n, _)| n == name) {
                Some((_, theirs)) => theirs.is_some() && value.is_some(),
                None => true,
            };
            comparable.then(|| (name.clone(), *value))
        };
        all.iter().filter_map(known).collect::<Vec<_>>()
    };
    let (here, there) = (
        sizes(&own.sizes, &theirs.sizes),
        sizes(&theirs.sizes, &own.sizes),
    );
    let show = |_: &str, v: &Option<i128>| v.map_or("?".to_owned(), |v| v.to_string());
    let (here, there) = differing(&here, &there, show);
    unequal("sizes", &here, &there);
    let mut digest = |what: &str, here: &[u8; 32], there: &[u8; 32]| {
        if here != there {
            let (here, there) = (short(here), short(there));
            found.push(format!("{what} differs: {here} here, {there} at {peer}"));
        }
    };
    let script = match (&own.script.0, &theirs.script.0) {
        (here, there) if here == there => format!("the text of script {here}"),
        (here, there) => format!("script ({here} here, {there} at {peer})"),
    };
    digest(&script, &own.script.1, &theirs.script.1);
    digest("the text of the scheme", &own.scheme.1, &theirs.scheme.1);
    if found.is_empty() && own.program != theirs.program {
        let (here, there) = (short(&own.program), short(&theirs.program));
        found.push(format!(
            "the compiled program differs: {here} here, {there} at {peer} (another version of smpc?)"
        ));
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// The entries of two lists that differ, as `a = 1, b = 2` each.
fn differing<T: PartialEq>(
    here: &[(String, T)],
    there: &[(String, T)],
    show: impl Fn(&str, &T) -> String,
) -> (String, String) {
    let only = |list: &[(String, T)], other: &[(String, T)]| {
        let unlike = list.iter().filter(|entry| !other.contains(entry));
        let texts: Vec<_> = unlike
            .take(SHOWN)
            .map(|(name, value)| format!("{name} = {}", show(name, value)))
            .collect();
        match texts.len() {
            0 if list == other => String::new(),
            0 => "(none, or in another order)".to_owned(),
            _ => texts.join(", "),
        }
    };
    (only(here, there), only(there, here))
}

/// The start of a digest.
fn short(digest: &[u8; 32]) -> String {
    let mut text = String::new();
    for byte in &digest[..6] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agreement() -> Agreement {
        Agreement {
            protocol: PROTOCOL,
            language: "1".to_owned(),
            script: ("mean.smpc".to_owned(), [1; 32]),
            scheme: ("rep3(64)".to_owned(), [2; 32]),
            program: [3; 32],
            purpose: "run".to_owned(),
            parties: vec!["alice".to_owned(), "bob".to_owned()],
            params: vec![("a".to_owned(), 1), ("b".to_owned(), -5)],
            fixed: vec![],
            sizes: vec![("n".to_owned(), Some(4)), ("m".to_owned(), None)],
        }
    }

    #[test]
    fn a_hello_survives() {
        let hello = Hello {
            from: 1,
            to: 0,
            agreement: agreement(),
        };
        let bytes = hello.encode();
        assert_eq!(Hello::decode(&bytes), Ok(hello));
        for end in 0..bytes.len() {
            assert_eq!(Hello::decode(&bytes[..end]), Err(HelloError::Malformed));
        }
        let mut other = bytes.clone();
        other[4] = 9;
        assert_eq!(Hello::decode(&other), Err(HelloError::Version(9)));
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(Hello::decode(&longer), Err(HelloError::Malformed));
    }

    #[test]
    fn differences_in_words() {
        let own = agreement();
        let differ = |change: fn(&mut Agreement)| {
            let mut other = agreement();
            change(&mut other);
            difference(&own, &other, "bob").unwrap_or_default()
        };
        assert_eq!(differ(|_| {}), "");
        assert_eq!(differ(|a| a.sizes[1].1 = Some(3)), "");
        assert_eq!(differ(|a| a.script.0 = "copy.smpc".to_owned()), "");
        assert_eq!(
            differ(|a| a.params[0].1 = 2),
            "params a = 1 here, a = 2 at bob"
        );
        let fixed = |value| Agreement {
            params: vec![("k".to_owned(), value)],
            fixed: vec!["k".to_owned()],
            ..agreement()
        };
        assert_eq!(
            difference(&fixed(3 << 63), &fixed(-(5 << 63)), "bob").unwrap_or_default(),
            "params k = 1.5 here, k = -2.5 at bob"
        );
        assert_eq!(
            differ(|a| a.sizes[0].1 = Some(5)),
            "sizes n = 4 here, n = 5 at bob"
        );
        assert_eq!(
            differ(|a| a.script.1 = [9; 32]),
            "the text of script mean.smpc differs: 010101010101 here, 090909090909 at bob"
        );
        assert_eq!(
            differ(|a| {
                a.scheme.0 = "additive(64)".to_owned();
                a.program = [9; 32];
            }),
            "scheme rep3(64) here, additive(64) at bob"
        );
        assert!(differ(|a| a.program = [9; 32]).starts_with("the compiled program"));
        assert!(differ(|a| a.params.clear()).contains("a = 1, b = -5 here"));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let mut all = MAGIC.to_vec();
            all.extend(PROTOCOL.to_le_bytes());
            all.extend(bytes);
            if let Ok(hello) = Hello::decode(&all) {
                prop_assert_eq!(hello.encode(), all);
            }
        }
    }
}
