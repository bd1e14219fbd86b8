//! The texts of one run, numbered, so that a span finds its file.

use crate::ast::FileId;

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// As shown in errors: a path, or `std::math` for the library.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Every file read so far; [`FileId`] is the position.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<File>,
}

impl Sources {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text in; the same name and text keep their number.
    pub fn add(&mut self, name: &str, text: &str) -> FileId {
        let known = |f: &File| f.name == name && f.text == text;
        let at = self.files.iter().position(known).unwrap_or_else(|| {
            self.files.push(File {
                name: name.to_owned(),
                text: text.to_owned(),
            });
            self.files.len() - 1
        });
        FileId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The file with this number.
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.files.get(id.0 as usize)
    }
}
