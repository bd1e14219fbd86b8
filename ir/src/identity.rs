//! What parties compare before they compute together.

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// What all parties of a computation must agree on, whether they interpret it or run its generated
/// code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The version of the language and its compiler.
    pub language: String,
    /// The script's file name, and the digest of its text and of what it uses.
    pub script: (String, Hash),
    /// The backend with its arguments, and the digest of the file that declares it.
    pub scheme: (String, Hash),
    /// The digest of the party program: parties, inputs, ring, every step.
    pub program: Hash,
}
