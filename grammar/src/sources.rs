//! The texts of one run, numbered, so that a span finds its file.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use crate::ast::{FileId, Span};

/// Where a text is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file that was read.
    Read,
    /// The library.
    Library,
    /// Made of what stands in another file.
    Made,
}

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// As shown in errors: a path, or `std::math` for the library.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where it is from.
    pub kind: Kind,
    /// What paths in it are relative to.
    folder: PathBuf,
    /// Where its lines after the first begin.
    breaks: Vec<usize>,
}

impl File {
    fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            kind: Kind::Read,
            folder: Path::new(name).parent().unwrap_or(Path::new("")).into(),
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
        // Behind the last line break there is an empty line, too.
        Some(self.text[start..].lines().next().unwrap_or(""))
    }

    /// The name of the file at a path that this one names: relative to its folder, without steps that lead nowhere.
    pub fn beside(&self, path: &str) -> String {
        let mut name = PathBuf::new();
        for part in self.folder.join(path).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir
                    if matches!(name.components().next_back(), Some(Component::Normal(_))) =>
                {
                    name.pop();
                }
                part => name.push(part),
            }
        }
        name.display().to_string()
    }
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The function's name.
    pub function: String,
    /// Where it is called.
    pub span: Span,
    /// The number of the call around it, 0 if there is none.
    pub within: u32,
}

/// How a run came to a place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way<'s> {
    /// The innermost place in the user's files.
    pub place: Span,
    /// The place itself, where that is in the library or in a made text.
    pub library: Option<Span>,
    /// The calls around `place`, innermost first.
    pub calls: Vec<&'s Call>,
}

/// Every file read so far; [`FileId`] is the position.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<File>,
    calls: Vec<Call>,
    numbers: HashMap<Call, u32>,
}

impl Sources {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the text of a file that was read; the same name and text keep their number.
    pub fn add(&mut self, name: &str, text: &str) -> FileId {
        let known = |f: &File| f.name == name && f.text == text;
        let at = self.files.iter().position(known).unwrap_or_else(|| {
            self.files.push(File::new(name, text));
            self.files.len() - 1
        });
        FileId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Takes in a text of the library.
    pub fn add_library(&mut self, name: &str, text: &str) -> FileId {
        let id = self.add(name, text);
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            file.kind = Kind::Library;
        }
        id
    }

    /// Takes in a text that is made of what stands at a place: its name says where that is, and paths in it are those of
    /// the other file.
    pub fn add_made(&mut self, what: &str, text: &str, of: Span) -> FileId {
        let from = self.get(of.file).map(|file| {
            let (line, _) = file.line(of.start as usize);
            // As everywhere: the same text gives the same names, wherever it lies.
            let name = file.name.rsplit(['/', '\\']).next();
            let place = format!("{}:{line}, ", name.unwrap_or(&file.name));
            (place, file.folder.clone())
        });
        let (place, folder) = from.unwrap_or_default();
        let id = self.add(&format!("{place}{what}"), text);
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            file.kind = Kind::Made;
            file.folder = folder;
        }
        id
    }

    /// The number of a call, from 1 on; the same call keeps its number.
    pub fn call(&mut self, call: Call) -> u32 {
        if let Some(known) = self.numbers.get(&call) {
            return *known;
        }
        self.calls.push(call.clone());
        let number = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.numbers.insert(call, number);
        number
    }

    /// The way to a place in the call of this number.
    pub fn way(&self, span: Span, call: u32) -> Way<'_> {
        // A call is numbered after the one around it.
        let around = |number: u32| self.calls.get((number as usize).checked_sub(1)?);
        let mut calls: Vec<&Call> =
            std::iter::successors(around(call), |call| around(call.within)).collect();
        let read = |span: &Span| {
            self.get(span.file)
                .is_none_or(|file| file.kind == Kind::Read)
        };
        if read(&span) {
            let (place, library) = (span, None);
            return Way {
                place,
                library,
                calls,
            };
        }
        match calls.iter().position(|call| read(&call.span)) {
            Some(at) => Way {
                place: calls[at].span,
                library: Some(span),
                calls: calls.split_off(at + 1),
            },
            // Nothing of the user's calls it.
            None => Way {
                place: span,
                library: None,
                calls: vec![],
            },
        }
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
    fn a_way_leads_out_of_the_library() {
        let mut sources = Sources::new();
        let script = sources.add("s.smpc", "one\ntwo\nthree");
        let library = sources.add_library("std::prelude", "a\nb");
        let at = |file, start| Span {
            file,
            start,
            end: start + 1,
        };
        let mut call = |function: &str, span, within| {
            sources.call(Call {
                function: function.into(),
                span,
                within,
            })
        };
        // f calls max, which calls less.
        let f = call("f", at(script, 8), 0);
        let max = call("max", at(script, 4), f);
        let less = call("less", at(library, 0), max);
        assert_eq!(call("max", at(script, 4), f), max);
        assert_ne!(call("max", at(script, 4), 0), max);
        let in_f = sources.way(at(script, 0), f);
        assert_eq!((in_f.place, in_f.library), (at(script, 0), None));
        assert_eq!(in_f.calls.len(), 1);
        let inside = sources.way(at(library, 2), less);
        assert_eq!(inside.place, at(script, 4));
        assert_eq!(inside.library, Some(at(library, 2)));
        let around: Vec<&str> = inside.calls.iter().map(|c| &c.function[..]).collect();
        assert_eq!(around, ["f"]);
        // Nobody called it.
        assert_eq!(sources.way(at(library, 2), 0).place, at(library, 2));
    }

    #[test]
    fn made_texts_say_of_what() {
        let mut sources = Sources::new();
        let file = sources.add("a/b.smpc", "one\ntwo");
        let of = Span {
            file,
            start: 4,
            end: 7,
        };
        let made = sources.add_made("polynomial of two", "2", of);
        let made = sources.get(made).unwrap();
        assert_eq!(made.name, "b.smpc:2, polynomial of two");
        assert_eq!(made.kind, Kind::Made);
        assert_eq!(made.beside("./c.smpc"), "a/c.smpc");
        assert_eq!(sources.get(file).unwrap().kind, Kind::Read);
    }

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let beside = |name: &str, path: &str| File::new(name, "").beside(path);
        for (name, path, expected) in [
            ("s.smpc", "./o.smpc", "o.smpc"),
            ("a/s.smpc", "./o.smpc", "a/o.smpc"),
            ("a/s.smpc", "b/./o.smpc", "a/b/o.smpc"),
            ("a/b/s.smpc", "../o.smpc", "a/o.smpc"),
            ("a/s.smpc", "../../o.smpc", "../o.smpc"),
            ("../s.smpc", "../o.smpc", "../../o.smpc"),
            ("a/s.smpc", "/t/../o.smpc", "/o.smpc"),
        ] {
            assert_eq!(beside(name, path), expected, "{path} in {name}");
        }
    }

    #[test]
    fn offsets_have_lines() {
        let file = File::new("a", "ab\n\nc");
        let lines: Vec<_> = (0..6).map(|at| file.line(at)).collect();
        let expected = [(1, "ab"), (1, "ab"), (1, "ab"), (2, ""), (3, "c"), (3, "c")];
        assert_eq!(lines, expected);
        let file = File::new("a", "ab\n");
        assert_eq!(file.line(9), (2, ""));
        assert_eq!((file.numbered(2), file.numbered(3)), (Some(""), None));
    }
}
