//! The texts of one run, numbered, so that a span finds its file.

use crate::ast::FileId;

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// As shown in errors: a path, or `std::math` for the library.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where its lines after the first begin.
    breaks: Vec<usize>,
}

impl File {
    fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            breaks: text.match_indices('\n').map(|(at, _)| at + 1).collect(),
        }
    }

    /// The number of the line, from 1, at an offset in bytes, and its text without the line break.
    pub fn line(&self, offset: usize) -> (usize, &str) {
        let number = self.breaks.partition_point(|start| *start <= offset) + 1;
        (number, self.numbered(number).unwrap_or(""))
    }

    /// The text of a line by its number, from 1, without the line break.
    pub fn numbered(&self, number: usize) -> Option<&str> {
        let start = match number.checked_sub(2) {
            Some(at) => *self.breaks.get(at)?,
            None => 0,
        };
        self.text[start..].lines().next()
    }
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
            self.files.push(File::new(name, text));
            self.files.len() - 1
        });
        FileId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The file with this number.
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.files.get(id.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_lines() {
        let file = File::new("a", "ab\n\nc");
        let lines: Vec<_> = (0..6).map(|at| file.line(at)).collect();
        let expected = [(1, "ab"), (1, "ab"), (1, "ab"), (2, ""), (3, "c"), (3, "c")];
        assert_eq!(lines, expected);
    }
}
