//! A lossless token stream: the spans tile the file, whatever the file holds.

use logos::Logos;
use std::ops::Range;

/// The words that are never names. The grammar's `reserved` rule lists the same words;
/// a test holds them together.
pub const KEYWORDS: &[&str] = &[
    "let",
    "mut",
    "for",
    "in",
    "if",
    "else",
    "while",
    "and",
    "or",
    "as",
    "fn",
    "protocol",
    "functionality",
    "true",
    "false",
];

/// What a stretch of text is.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Blanks and line ends.
    #[regex(r"[ \t\r\n]+")]
    Space,
    /// `//! …` or `/// …`: documentation.
    #[regex(r"//[!/][^\n]*", priority = 5, allow_greedy = true)]
    Doc,
    /// `// …`.
    #[regex(r"//[^\n]*", priority = 4, allow_greedy = true)]
    Comment,
    /// A name or keyword.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Word,
    /// A number.
    #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?")]
    Number,
    /// `.0`.
    #[regex(r"\.[0-9]+")]
    TupleField,
    /// `"…"`.
    #[regex(r#""[^"\n]*""#)]
    Text,
    /// `(`, `[`, `.[`, `{`.
    #[token("(")]
    #[token("[")]
    #[token(".[")]
    #[token("{")]
    Open,
    /// `)`, `]`, `}`.
    #[token(")")]
    #[token("]")]
    #[token("}")]
    Close,
    /// `,`.
    #[token(",")]
    Comma,
    /// `;`.
    #[token(";")]
    Semicolon,
    /// `:`.
    #[token(":")]
    Colon,
    /// Any operator or arrow.
    #[regex(r"\.\.=|\.\.|\.|>>>|>>|<<|<=|>=|==|!=|=>|->|<-|::|\+=|-=|\*=|/=|[-+*/%^&|~!@<>=]")]
    Operator,
    /// A character that begins no token.
    Unknown,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its bytes.
    pub range: Range<usize>,
}

/// All tokens of a text, in order and without gaps.
pub fn tokenize(text: &str) -> Vec<Token> {
    TokenKind::lexer(text)
        .spanned()
        .map(|(kind, range)| Token {
            kind: kind.unwrap_or(TokenKind::Unknown),
            range,
        })
        .collect()
}

/// Whether a word can never be a name.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}
