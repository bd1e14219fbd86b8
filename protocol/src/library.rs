//! The files of schemes, and the choice of a backend among them.

mod carried;

use carried::{WrittenElem, argument, carriers};

use crate::bound::Bound;
use crate::scheme::{SchemeDef, define};
use crate::types::named;
use smpc_grammar::ast::{
    Arg, Backend, BinaryOp, Expr, ExprKind, FileId, ItemKind, Module, Span, TypeArg, UnaryOp,
};
use smpc_grammar::{Diagnostic, Sources, parse};
use smpc_ir::field::Prime;
use smpc_ir::flat::{Computing, TruncMode};
use smpc_ir::party::Elem;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A parsed file with its schemes.
#[derive(Clone, Debug)]
pub(crate) struct SchemeFile {
    pub id: FileId,
    pub text: String,
    pub module: Module,
    pub schemes: BTreeMap<String, SchemeDef>,
    pub errors: Vec<Diagnostic>,
}

impl SchemeFile {
    fn read(id: FileId, text: &str) -> Self {
        let parsed = parse(id, text);
        let mut file = Self {
            id,
            text: text.to_owned(),
            module: parsed.module,
            schemes: BTreeMap::new(),
            errors: parsed.diagnostics,
        };
        for item in &file.module.items {
            if let ItemKind::Scheme(scheme) = &item.kind {
                match define(scheme, item.span) {
                    Ok(def) => {
                        file.schemes.insert(scheme.name.name.clone(), def);
                    }
                    Err(error) => file.errors.push(*error),
                }
            }
        }
        file
    }

    pub fn backends(&self) -> impl Iterator<Item = (&Backend, &str)> {
        self.module
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Backend(backend) => Some((backend, item.docs.as_str())),
                _ => None,
            })
    }
}

/// A file of the library, read when it is first asked for.
#[derive(Debug)]
struct LibraryFile {
    id: FileId,
    /// What it may declare a backend as; a user's file may declare any.
    stem: Option<&'static str>,
    text: String,
    read: OnceLock<Arc<SchemeFile>>,
}

impl LibraryFile {
    fn new(id: FileId, stem: Option<&'static str>, text: &str) -> Self {
        Self {
            id,
            stem,
            text: text.to_owned(),
            read: OnceLock::new(),
        }
    }

    fn get(&self) -> &Arc<SchemeFile> {
        self.read
            .get_or_init(|| Arc::new(SchemeFile::read(self.id, &self.text)))
    }
}

/// What a bound backend carries types with.
#[derive(Clone, Debug)]
pub(crate) struct Carriers {
    /// The scheme of `int` and `fix`, and its numbers beside the element type.
    pub int: (String, Vec<i128>),
    /// The element type of `int`.
    pub elem: Elem,
    /// The scheme of `bool` and `bits`, if there is one.
    pub bits: Option<(String, Vec<i128>)>,
}

impl Carriers {
    /// The scheme that carries an element type.
    pub fn of(&self, elem: Elem) -> Option<&(String, Vec<i128>)> {
        match elem {
            Elem::Bits(_) => self.bits.as_ref(),
            _ => Some(&self.int),
        }
    }
}

/// A backend as listed to users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendInfo {
    /// Its name.
    pub name: String,
    /// The documentation above it, else the first lines of its file.
    pub docs: String,
    /// Its parameters with their defaults.
    pub params: Vec<(String, Option<i128>)>,
    /// How many computing parties by default.
    pub parties: Option<usize>,
    /// The file it stands in.
    pub file: FileId,
}

/// Every scheme file: the library's, and those added.
#[derive(Clone, Debug, Default)]
pub struct Library {
    files: Vec<Arc<LibraryFile>>,
    generic: Arc<Vec<SchemeFile>>,
}

/// A number known without a run.
pub(crate) fn number(expr: &Expr, names: &BTreeMap<String, i128>) -> Option<i128> {
    match &expr.kind {
        ExprKind::Number(text) => text.parse().ok(),
        ExprKind::Path { path, .. } => names.get(&path.segments.last()?.name).copied(),
        ExprKind::Unary(UnaryOp::Neg, inner) => number(inner, names)?.checked_neg(),
        ExprKind::Tuple(parts) => match parts.as_slice() {
            [one] => number(one, names),
            _ => None,
        },
        ExprKind::Binary(left, op, right) => {
            let (a, b) = (number(left, names)?, number(right, names)?);
            match op {
                BinaryOp::Add => a.checked_add(b),
                // 2^127 - 1 is written that way, and fits.
                BinaryOp::Pow if a == 2 && b == 127 => Some(i128::MIN),
                BinaryOp::Sub => Some(a.wrapping_sub(b)),
                BinaryOp::Mul => a.checked_mul(b),
                BinaryOp::Div => a.checked_div_euclid(b),
                BinaryOp::Pow => a.checked_pow(u32::try_from(b).ok()?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A backend as a user names it outside of scripts: `rep3`, `shamir(n: 5, p: 2^127 - 1)`; its name
/// and arguments. `None` if the text is no such thing.
pub fn written(text: &str) -> Option<(String, Vec<(String, i128)>)> {
    let parsed = parse(FileId(0), &format!("using {text};"));
    let [only] = parsed.module.items.as_slice() else {
        return None;
    };
    let ItemKind::Using(using) = &only.kind else {
        return None;
    };
    if !parsed.diagnostics.is_empty() || using.trunc.is_some() || !using.on.is_empty() {
        return None;
    }
    let arg = |arg: &Arg| {
        let name = arg.name.as_ref()?.name.clone();
        Some((name, number(&arg.value, &BTreeMap::new())?))
    };
    let args = using.args.iter().map(arg).collect::<Option<_>>()?;
    Some((using.backend.segments.last()?.name.clone(), args))
}

/// How a truncation mode is written.
pub(crate) fn trunc_mode(name: &str) -> Option<TruncMode> {
    match name {
        "exact" => Some(TruncMode::Exact),
        "one_unit" => Some(TruncMode::OneUnit),
        "local" => Some(TruncMode::Local),
        _ => None,
    }
}

/// The names among `known` that are close to `name`.
fn close<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |a: &str, b: &str| {
        let b: Vec<char> = b.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let next = (diagonal + usize::from(x != *y))
                    .min(row[j] + 1)
                    .min(row[j + 1] + 1);
                diagonal = std::mem::replace(&mut row[j + 1], next);
            }
        }
        row[b.len()]
    };
    known
        .map(|other| (distance(name, other), other))
        .filter(|(d, _)| *d <= 3)
        .min()
        .map(|(_, other)| other)
}

impl Library {
    /// The embedded schemes and the protocols generic over them.
    pub fn standard(sources: &mut Sources) -> Self {
        let mut library = Self::default();
        let mut generic = Vec::new();
        for module in smpc_stdlib::modules() {
            let name = format!("std::{}", module.path.replace('/', "::"));
            if let Some(stem) = module.path.strip_prefix("schemes/") {
                let id = sources.add_library(&name, module.text);
                let file = LibraryFile::new(id, Some(stem), module.text);
                library.files.push(Arc::new(file));
            } else if module.path.starts_with("generic/") {
                let id = sources.add_library(&name, module.text);
                generic.push(SchemeFile::read(id, module.text));
            }
        }
        library.generic = Arc::new(generic);
        library
    }

    /// Adds a user's file, already among the sources. Its backends go before the library's of
    /// the same name. The result is what does not parse.
    pub fn add(&mut self, file: FileId, text: &str) -> Vec<Diagnostic> {
        let read = LibraryFile::new(file, None, text);
        let errors = read.get().errors.clone();
        self.files.retain(|known| known.id != file);
        self.files.insert(0, Arc::new(read));
        errors
    }

    /// Every backend, in order of file.
    pub fn backends(&self) -> Vec<BackendInfo> {
        let files = self.files.iter();
        files.flat_map(|file| listed(file.get())).collect()
    }

    /// One backend, as [`Library::backends`] lists it. Of the library only its own file is read.
    pub fn backend(&self, name: &str) -> Option<BackendInfo> {
        let file = self.declaring(name)?;
        listed(file)
            .into_iter()
            .find(|backend| backend.name == name)
    }

    /// The first file that declares a backend of that name.
    fn declaring(&self, name: &str) -> Option<&Arc<SchemeFile>> {
        let files = self.files.iter();
        let files = files.filter(|file| file.stem.is_none_or(|stem| stem == name));
        files.map(|file| file.get()).find(|file| {
            let mut backends = file.backends();
            backends.any(|(backend, _)| backend.name.name == name)
        })
    }

    /// The backend of a file that has exactly one: what `--scheme ./mine.smpc` names.
    pub fn only_backend(&self, file: FileId) -> Option<String> {
        let file = self.files.iter().find(|known| known.id == file)?;
        let mut backends = file.get().backends();
        match (backends.next(), backends.next()) {
            (Some((backend, _)), None) => Some(backend.name.name.clone()),
            _ => None,
        }
    }

    /// Picks a backend. `args` are its parameters (`k: 128`), `trunc` the mode if the script says.
    ///
    /// # Errors
    /// Codes N40 to N43: no such backend, parameter or mode; U01: it cannot be run yet.
    pub fn bind(
        &self,
        name: &str,
        args: &[(String, i128)],
        trunc: Option<&str>,
    ) -> Result<Bound, Vec<Diagnostic>> {
        let fail = |code, message: String| Diagnostic::new(code, message, Span::default());
        let found = self.declaring(name).and_then(|file| {
            let mut backends = file.backends();
            let (backend, _) = backends.find(|(backend, _)| backend.name.name == name)?;
            Some((file, backend))
        });
        let Some((file, backend)) = found else {
            let all = self.backends();
            let error = fail("N40", format!("unknown backend `{name}`"));
            return Err(vec![
                match close(name, all.iter().map(|b| b.name.as_str())) {
                    Some(close) => error.help(format!("did you mean `{close}`?")),
                    None => error.help(format!(
                        "backends: {}",
                        all.iter()
                            .map(|b| b.name.as_str())
                            .collect::<Vec<_>>()
                            .join(", ")
                    )),
                },
            ]);
        };
        if !file.errors.is_empty() {
            return Err(file.errors.clone());
        }
        let params: Vec<&str> = backend
            .params
            .iter()
            .flat_map(|group| &group.names)
            .map(|name| name.ident.name.as_str())
            .collect();
        let mut given = BTreeMap::new();
        let mut errors = Vec::new();
        for (arg, value) in args {
            if params.contains(&arg.as_str()) {
                given.insert(arg.clone(), *value);
            } else {
                errors.push(
                    fail("N41", format!("backend `{name}` has no parameter `{arg}`"))
                        .label(backend.name.span, "declared here")
                        .help(format!("its parameters: {}", params.join(", "))),
                );
            }
        }
        let globals = defaults(backend, &given);
        for param in params {
            if !globals.contains_key(param) {
                errors.push(
                    fail("N41", format!("backend `{name}` needs `{param}`"))
                        .help(format!("write `{name}({param}: 2)`")),
                );
            }
        }
        let declared = backend
            .trunc
            .as_ref()
            .map(|mode| (mode.name.as_str(), mode.span));
        let mode = trunc.map(|mode| (mode, Span::default())).or(declared);
        let mode = match mode {
            None => TruncMode::default(),
            Some((text, span)) => match trunc_mode(text) {
                Some(mode) => mode,
                None => {
                    errors.push(
                        Diagnostic::new("N42", format!("unknown truncation mode `{text}`"), span)
                            .help("exact, one_unit or local"),
                    );
                    TruncMode::default()
                }
            },
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        let written = carriers(backend, backend.name.span).map_err(|e| vec![*e])?;
        let def = file.schemes.get(&written.int.0);
        let Some(def) = def else {
            return Err(vec![Diagnostic::new(
                "P04",
                format!("unknown scheme `{}`", written.int.0),
                backend.name.span,
            )]);
        };
        let count = def.count.as_ref().and_then(|count| number(count, &globals));
        let n = match count.map(usize::try_from) {
            Some(Ok(n @ 1..=64)) => n,
            Some(_) => {
                return Err(vec![fail(
                    "N43",
                    format!("backend `{name}` runs with 1 to 64 parties"),
                )]);
            }
            None => {
                return Err(vec![Diagnostic::new(
                    "P06",
                    "the number of parties is not known",
                    def.span,
                )]);
            }
        };
        if n + def.roles.len() > 100 {
            return Err(vec![fail(
                "N43",
                "more than 100 parties and roles".to_owned(),
            )]);
        }
        let int = match &written.int.1 {
            WrittenElem::Ring(width) => match number(width, &globals) {
                Some(k @ 2..=128) => Elem::Ring(k as u8),
                k => {
                    let shown = k.map_or("?".to_owned(), |k| k.to_string());
                    return Err(vec![
                        fail(
                            "N43",
                            format!("a ring of {shown} bits: 2 to 128 are possible"),
                        )
                        .help("write `k: 64`"),
                    ]);
                }
            },
            WrittenElem::Bits(width) => match argument(width, &globals) {
                Some(k @ 2..=128) => Elem::Bits(k as u8),
                k => {
                    let shown = k.map_or("?".to_owned(), |k| k.to_string());
                    let text = format!("integers of {shown} bits: 2 to 128 are possible");
                    return Err(vec![fail("N43", text).help("write `k: 64`")]);
                }
            },
            WrittenElem::Field(p) => {
                let p = number(p, &globals);
                match p.and_then(|p| u128::try_from(p).ok()).and_then(Prime::new) {
                    Some(prime) => Elem::Field(prime),
                    None => {
                        let shown = p.map_or("?".to_owned(), |p| p.to_string());
                        return Err(vec![
                            fail("N43", format!("{shown} is no modulus of a field here"))
                                .help("a prime below 2^32, or 2^q - 1 for q of 61, 89, 107 or 127"),
                        ]);
                    }
                }
            }
        };
        let mut globals = globals;
        globals.entry("n".to_owned()).or_insert(n as i128);
        let k = int.wire_bits();
        globals.entry("k".to_owned()).or_insert(i128::from(k));
        let numbers = |args: &[TypeArg]| -> Result<Vec<i128>, Vec<Diagnostic>> {
            let value = |arg| {
                argument(arg, &globals).ok_or_else(|| {
                    let text = "an argument of the scheme is not known";
                    vec![Diagnostic::new("P06", text, backend.name.span)]
                })
            };
            args.iter().map(value).collect()
        };
        let carriers = Carriers {
            int: (written.int.0.clone(), numbers(written.int.2)?),
            elem: int,
            bits: match &written.bits {
                Some((scheme, args)) => Some((scheme.clone(), numbers(args)?)),
                None => None,
            },
        };
        Bound::new(
            file.clone(),
            self.generic.clone(),
            name,
            n,
            globals,
            carriers,
            mode,
            Computing {
                parties: n,
                roles: def.roles.iter().map(|(_, name)| name.clone()).collect(),
            },
        )
        .map_err(|error| vec![*error])
    }

    /// Every error of a file: syntax, and each protocol elaborated for two numbers of parties and
    /// each form of owner.
    pub fn check_file(&self, file: FileId) -> Vec<Diagnostic> {
        let Some(entry) = self.files.iter().find(|known| known.id == file) else {
            return Vec::new();
        };
        let found = entry.get();
        let mut errors = found.errors.clone();
        let add = |new: Vec<Diagnostic>, errors: &mut Vec<Diagnostic>| {
            for error in new {
                if !errors
                    .iter()
                    .any(|e| e.code == error.code && e.span == error.span)
                {
                    errors.push(error);
                }
            }
        };
        if found.backends().next().is_none()
            && let Some(def) = found.schemes.values().next()
        {
            errors.push(
                Diagnostic::new(
                    "P06",
                    "the file has schemes but no backend: nothing can be elaborated",
                    def.scheme.name.span,
                )
                .help("write `backend mine(k: int = 64) { int, fix<f>: S<Z[2^k]>; bool, bits<m>: S<Bits[m]>; }`"),
            );
        }
        let backends: Vec<&Backend> = found.backends().map(|(backend, _)| backend).collect();
        for backend in &backends {
            let name = &backend.name.name;
            let library = Self {
                files: vec![entry.clone()],
                generic: self.generic.clone(),
            };
            if !found.errors.is_empty() {
                break;
            }
            match library.bind(name, &[], None) {
                Ok(bound) => {
                    add(bound.check(), &mut errors);
                    let n = bound.globals().get("n").copied();
                    let other = [("n".to_owned(), n.unwrap_or(2) + 1)];
                    let family = backend
                        .params
                        .iter()
                        .any(|g| g.names.iter().any(|name| name.ident.name == "n"));
                    if family && let Ok(bound) = library.bind(name, &other, None) {
                        add(bound.check(), &mut errors);
                    }
                }
                Err(new) => add(new, &mut errors),
            }
        }
        errors.sort_by_key(|error| (error.span.file, error.span.start));
        errors
    }
}

/// The backends of a file, as listed to users.
fn listed(file: &SchemeFile) -> Vec<BackendInfo> {
    let info = |(backend, docs): (&Backend, &str)| {
        let globals = defaults(backend, &BTreeMap::new());
        let names = backend.params.iter().flat_map(|group| &group.names);
        let param = |name: &str| (name.to_owned(), globals.get(name).copied());
        BackendInfo {
            name: backend.name.name.clone(),
            docs: match docs {
                "" => file.module.docs.clone(),
                docs => docs.to_owned(),
            },
            params: names.map(|name| param(&name.ident.name)).collect(),
            parties: carriers(backend, Span::default())
                .ok()
                .and_then(|c| file.schemes.get(&c.int.0))
                .and_then(|def| number(def.count.as_ref()?, &globals))
                .and_then(|n| usize::try_from(n).ok()),
            file: file.id,
        }
    };
    file.backends().map(info).collect()
}

/// The backend's arguments: those given, else the defaults.
fn defaults(backend: &Backend, given: &BTreeMap<String, i128>) -> BTreeMap<String, i128> {
    let mut names = given.clone();
    for group in &backend.params {
        for name in &group.names {
            let value = group.default.as_ref().and_then(|e| number(e, &names));
            if let Some(value) = value {
                names.entry(name.ident.name.clone()).or_insert(value);
            }
        }
    }
    names
}
