//! Files: what they define and use.

use crate::build::{Elab, FnDef, ModuleEnv};
use crate::value::StructDef;
use smpc_grammar::Parse;
use smpc_grammar::ast::{self, ClauseKind, FileId, Item, ItemKind, Module, Span, UseSource};
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

/// What a file of the library is called in errors.
pub fn library_name(path: &str) -> String {
    format!("std::{}", path.replace('/', "::"))
}

impl Elab<'_> {
    /// Loads a file's functions, structs and constants; gives its number.
    pub fn load(&mut self, name: &str, file: FileId, module: &Module) -> usize {
        let number = self.modules.len();
        self.modules.push(ModuleEnv::default());
        self.file_modules.insert(name.to_owned(), number);
        for item in &module.items {
            self.collect(number, file, item);
        }
        number
    }

    pub fn collect(&mut self, module: usize, file: FileId, item: &Item) {
        match &item.kind {
            ItemKind::Use(used) => self.use_item(module, file, used, item.span),
            ItemKind::Const(constant) => {
                let known = self.modules[module]
                    .constants
                    .insert(constant.name.name.clone(), Rc::new(constant.clone()));
                if known.is_some() {
                    self.error(
                        "N02",
                        constant.name.span,
                        format!("`{}` is defined twice", constant.name.name),
                    );
                }
            }
            ItemKind::Struct(record) => {
                let def = StructDef {
                    name: record.name.name.clone(),
                    fields: record.fields.clone(),
                };
                if self.modules[module]
                    .structs
                    .insert(def.name.clone(), Rc::new(def))
                    .is_some()
                {
                    self.error(
                        "N02",
                        record.name.span,
                        format!("`{}` is defined twice", record.name.name),
                    );
                }
            }
            ItemKind::Fn(function) => {
                self.claims(function);
                let def = FnDef {
                    name: function.name.name.clone(),
                    function: Rc::new(function.clone()),
                    module,
                };
                self.define(module, def);
            }
            ItemKind::Scheme(_) | ItemKind::Backend(_) => self.error_help(
                "U01",
                item.span,
                "a scheme within a script is not executable yet",
                "move it to a file of its own, and run with `--scheme ./mine.smpc`",
            ),
            ItemKind::Approx(approx) => self.approx(module, approx),
            ItemKind::Protocol(p) => {
                self.modules[module].refused.insert(
                    p.name.name.clone(),
                    "a protocol: schemes provide protocols, scripts call functions",
                );
            }
            ItemKind::Functionality(f) => {
                self.modules[module]
                    .refused
                    .insert(f.name.name.clone(), "a functionality");
            }
            _ => {}
        }
    }

    /// Defines a function, next to those of its name with other numbers of parameters.
    pub fn define(&mut self, module: usize, def: FnDef) {
        let arity = crate::call::parameters(&def).count();
        let known = self.modules[module].functions.get(&def.name);
        let twice = known.is_some_and(|same| {
            same.iter()
                .any(|d| crate::call::parameters(d).count() == arity)
        });
        if twice {
            self.error(
                "N02",
                def.function.name.span,
                format!("`{}` with {arity} parameters is defined twice", def.name),
            );
        }
        self.modules[module]
            .functions
            .entry(def.name.clone())
            .or_default()
            .push(Rc::new(def));
    }

    /// Clauses of a function that nothing checks yet are errors, not ornaments.
    fn claims(&mut self, function: &ast::Function) {
        for clause in &function.clauses {
            let what = match &clause.kind {
                // Costs are a matter of the backend, and compared when one is bound.
                ClauseKind::Reveals(_) | ClauseKind::Cost(_) => continue,
                ClauseKind::Requires(_) | ClauseKind::RequiresFresh(_) => {
                    "a precondition (`requires`)"
                }
                ClauseKind::Ensures(_) => "a postcondition (`ensures`)",
                ClauseKind::Realises(term) => {
                    if let Err(problem) = crate::batch::Batch::of(function, term) {
                        self.error_help("T01", clause.span, problem, crate::batch::FORM);
                    }
                    continue;
                }
                ClauseKind::Mode(_) | ClauseKind::Bilinear | ClauseKind::Private => {
                    self.error(
                        "T01",
                        clause.span,
                        "this clause belongs to protocols, not to functions",
                    );
                    continue;
                }
            };
            let message = format!("{what} of a function is not executable yet");
            self.error_help("U01", clause.span, message, "leave it out");
        }
    }

    pub fn use_item(&mut self, module: usize, file: FileId, used: &ast::Use, span: Span) {
        let (name, found) = match &used.source {
            UseSource::Path(path) => {
                let segments: Vec<&str> = path.segments.iter().map(|s| s.name.as_str()).collect();
                let last = segments.last().copied().unwrap_or("").to_owned();
                (last, self.library(&segments, path.span))
            }
            UseSource::File(path, at) => {
                let name = path
                    .rsplit('/')
                    .next()
                    .unwrap_or(path)
                    .trim_end_matches(".smpc")
                    .to_owned();
                let from = self.sources.get(file);
                let shown = from.map_or(path.clone(), |from| from.beside(path));
                let found = match self.file_modules.get(&shown).copied() {
                    Some(known) => Some(known),
                    None => match self.files.read(&shown) {
                        Ok(text) => Some(self.load_text(&shown, &text)),
                        Err(message) => {
                            let help = "the path is relative to this file";
                            self.error_help("N04", *at, message, help);
                            None
                        }
                    },
                };
                (name, found)
            }
        };
        let alias = used.alias.as_ref().map_or(name, |a| a.name.clone());
        if let Some(found) = found
            && self.modules[module]
                .imports
                .insert(alias.clone(), found)
                .is_some()
        {
            self.error("N02", span, format!("`{alias}` is imported twice"));
        }
    }

    pub fn library(&mut self, segments: &[&str], span: Span) -> Option<usize> {
        let [root, rest @ ..] = segments else {
            return None;
        };
        let path = rest.join("/");
        if *root != "std" || path.is_empty() {
            self.error_help(
                "N04",
                span,
                format!("there is no module `{}`", segments.join("::")),
                "the library is `std::…`; a file of yours is `use \"./file.smpc\";`",
            );
            return None;
        }
        if let Some(found) = smpc_stdlib::used(&path) {
            return Some(self.announce(found));
        }
        let near = smpc_stdlib::modules()
            .iter()
            .map(|m| m.path.rsplit('/').next().unwrap_or(m.path))
            .map(|name| (crate::names::distance(&path, name), name))
            .filter(|(d, name)| *d <= (name.len().min(path.len()) + 1) / 3)
            .min();
        let help = match near {
            Some((_, name)) => format!("did you mean `std::{name}`?"),
            None => "the library is `std::…`; a file of yours is `use \"./file.smpc\";`".to_owned(),
        };
        self.error_help(
            "N04",
            span,
            format!("the library has no module `{path}`"),
            help,
        );
        None
    }

    /// The number of a module of the library, which is read when it is first needed: most scripts need few functions of
    /// few modules.
    fn announce(&mut self, found: &'static smpc_stdlib::Module) -> usize {
        if let Some(known) = self.module_paths.get(found.path) {
            return *known;
        }
        let number = self.modules.len();
        self.modules.push(ModuleEnv::default());
        self.module_paths.insert(found.path.to_owned(), number);
        self.unread.insert(number, found);
        number
    }

    fn read(&mut self, number: usize) {
        let Some(found) = self.unread.remove(&number) else {
            return;
        };
        let file = self
            .sources
            .add_library(&library_name(found.path), found.text);
        self.library.insert(file);
        let outline = Outline::of(found.text);
        let parsed = outline.parse(file);
        self.diagnostics.extend(parsed.diagnostics);
        for (name, range) in outline.functions {
            let unparsed = Unparsed {
                file,
                text: found.text,
                range,
            };
            let waiting = &mut self.modules[number].waiting;
            waiting.entry(name.to_owned()).or_default().push(unparsed);
        }
        self.elsewhere(|elab| {
            for item in &parsed.module.items {
                elab.collect(number, file, item);
            }
        });
    }

    /// Reads definitions, which are as they are wherever the first call stands.
    fn elsewhere(&mut self, read: impl FnOnce(&mut Self)) {
        let frames = std::mem::take(&mut self.frames);
        let control = std::mem::take(&mut self.control);
        let calls = std::mem::take(&mut self.calls);
        let call = std::mem::take(&mut self.call);
        read(self);
        (self.frames, self.control, self.calls) = (frames, control, calls);
        self.call = call;
    }

    /// The functions of this name in a module, parsed if they were not yet.
    pub fn functions(&mut self, module: usize, name: &str) -> Option<Vec<Rc<FnDef>>> {
        let waiting = self.modules.get_mut(module)?.waiting.remove(name);
        for unparsed in waiting.into_iter().flatten() {
            let Unparsed { file, text, range } = unparsed;
            let (item, errors) = smpc_grammar::parse_item(file, text, range);
            self.diagnostics.extend(errors);
            self.elsewhere(|elab| elab.collect(module, file, &item));
        }
        self.modules.get(module)?.functions.get(name).cloned()
    }

    /// The functions of a module that say which comprehensions they compute.
    pub fn realising(&mut self, module: usize) -> Rc<Vec<Rc<FnDef>>> {
        let Some(own) = self.modules.get(module) else {
            return Rc::default();
        };
        if let Some(known) = &own.realising {
            return known.clone();
        }
        let says =
            |unparsed: &Unparsed| unparsed.text[unparsed.range.clone()].contains("realises [");
        let waiting = own.waiting.iter().filter(|(_, list)| list.iter().any(says));
        let waiting: BTreeSet<String> = waiting.map(|(name, _)| name.clone()).collect();
        for name in waiting {
            self.functions(module, &name);
        }
        let functions = self.modules.get(module).into_iter();
        let functions = functions.flat_map(|own| own.functions.values().flatten());
        let says = |clause: &ast::Clause| matches!(clause.kind, ClauseKind::Realises(_));
        let mut found: Vec<Rc<FnDef>> = functions
            .filter(|def| def.function.clauses.iter().any(says))
            .cloned()
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let found = Rc::new(found);
        if let Some(own) = self.modules.get_mut(module) {
            own.realising = Some(found.clone());
        }
        found
    }

    /// The names of a module's functions.
    pub fn function_names(&self, module: usize) -> impl Iterator<Item = &String> {
        let own = self.modules.get(module).into_iter();
        own.flat_map(|m| m.functions.keys().chain(m.waiting.keys()))
    }

    /// The module of this name where the checker stands.
    pub fn imported(&mut self, alias: &str) -> Option<usize> {
        let here = self.frames.last().map_or(0, |f| f.module);
        let number = *self.modules.get(here)?.imports.get(alias)?;
        self.read(number);
        Some(number)
    }

    /// The functions in scope everywhere.
    pub fn load_prelude(&mut self) {
        self.prelude = smpc_stdlib::module("prelude").map(|found| self.announce(found));
        if let Some(number) = self.prelude {
            self.read(number);
        }
    }

    pub fn load_text(&mut self, name: &str, text: &str) -> usize {
        let file = self.sources.add(name, text);
        let parsed = smpc_grammar::parse(file, text);
        self.diagnostics.extend(parsed.diagnostics);
        self.load(name, file, &parsed.module)
    }
}

/// A function of the library that nobody called yet. Most scripts call few, and parsing all of them would take longer than
/// checking the script.
pub(crate) struct Unparsed {
    file: FileId,
    text: &'static str,
    range: Range<usize>,
}

/// The items of a file of the library. They begin at the start of a line, and end with a brace in that line or at the
/// start of another one.
struct Outline<'t> {
    /// Names and places of functions.
    functions: Vec<(&'t str, Range<usize>)>,
    /// The text with blanks in the place of functions and of tests, which no script uses.
    rest: String,
}

impl<'t> Outline<'t> {
    fn of(text: &'t str) -> Self {
        let mut functions: Vec<(&str, Range<usize>)> = vec![];
        let mut rest = String::with_capacity(text.len());
        // Within an item that is left out; whether it is a function.
        let mut within: Option<bool> = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let end = at + line.len();
            let begins = within.is_none();
            if begins {
                let word = line.strip_prefix("pub ").unwrap_or(line);
                if let Some(signature) = word.strip_prefix("fn ") {
                    let beyond = |c: char| !c.is_alphanumeric() && c != '_';
                    let name = signature.split(beyond).next().unwrap_or("");
                    functions.push((name, at..end));
                    within = Some(true);
                } else if line.starts_with("test \"") {
                    within = Some(false);
                }
            }
            match within {
                None => rest.push_str(line),
                Some(function) => {
                    let blank = |c: char| {
                        std::iter::repeat_n(if c == '\n' { '\n' } else { ' ' }, c.len_utf8())
                    };
                    rest.extend(line.chars().flat_map(blank));
                    if let Some((_, range)) = functions.last_mut().filter(|_| function) {
                        range.end = end;
                    }
                    let code = line.split("//").next().unwrap_or("").trim_end();
                    let ends = if begins {
                        code.ends_with('}')
                    } else {
                        line.starts_with('}')
                    };
                    if ends {
                        within = None;
                    }
                }
            }
            at = end;
        }
        Self { functions, rest }
    }

    /// What is neither a function nor a test.
    fn parse(&self, file: FileId) -> Parse {
        let comment = |line: &str| line.trim().is_empty() || line.starts_with("//");
        if self.rest.lines().all(comment) {
            // The parser refuses a file without items.
            return Parse::default();
        }
        smpc_grammar::parse(file, &self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_of_the_library_holds_its_items() {
        for module in smpc_stdlib::modules() {
            let whole = smpc_grammar::parse(FileId::default(), module.text);
            let outline = Outline::of(module.text);
            assert_eq!(outline.rest.len(), module.text.len(), "{}", module.path);
            let rest = outline.parse(FileId::default());
            assert!(rest.diagnostics.is_empty(), "{}", module.path);
            let mut items = rest.module.items;
            for (name, range) in outline.functions {
                let (item, errors) =
                    smpc_grammar::parse_item(FileId::default(), module.text, range);
                assert!(errors.is_empty(), "{}: {name}", module.path);
                let own = |kind: &ItemKind| match kind {
                    ItemKind::Fn(function) => function.name.name == name,
                    _ => false,
                };
                assert!(own(&item.kind), "{}: {name}", module.path);
                items.push(item);
            }
            items.sort_by_key(|item| item.span.start);
            items.iter_mut().for_each(|item| item.docs.clear());
            let mut others = whole.module.items;
            others.retain(|item| !matches!(item.kind, ItemKind::Test(_)));
            others.iter_mut().for_each(|item| item.docs.clear());
            assert!(items == others, "{}", module.path);
        }
    }
}
