//! Tests: each is a program of its own, of what its block computes and compares.

use crate::build::Elab;
use crate::known::Facts;
use crate::ops::common;
use crate::value::{Leaf, Src, Val};
use crate::{Files, Options};
use smpc_grammar::ast::{self, Arg, FileId, Ident, ItemKind, Module, Name, Span};
use smpc_grammar::{Diagnostic, Sources};
use smpc_ir::local::Prim;
use smpc_ir::party::Party;
use smpc_ir::share::{Audience, Block, Input, Label, Op, Program, Type};
use std::collections::HashMap;

/// The party that a test's inputs are from. A word of the language, so that no script declares it.
const OWNER: &str = "test";

/// One `expect` of a test. Output number `at` has three parts, which everybody is handed: what was computed, what was
/// expected, in its shape or one number, and how far they may differ; absent if that is not said.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The type that is compared.
    pub ty: Type,
    /// Whether a tolerance is given.
    pub tolerant: bool,
    /// The call.
    pub span: Span,
}

/// A test without errors.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// What it computes, with one input, a 0 of its only party. The outputs of expectation `at` are called by its number;
    /// there are others if the test calls functions that reveal.
    pub program: Program,
    /// What it expects.
    pub expectations: Vec<Expectation>,
}

/// Checks the tests of a file whose names are wanted. A test sees the file's functions, constants and parameters;
/// its statements, inputs and contract take no part.
///
/// # Errors
/// The file's syntax errors, those of what it uses, and those of its tests.
pub fn check_tests(
    sources: &mut Sources,
    file: (FileId, &Module),
    syntax: Vec<Diagnostic>,
    files: &dyn Files,
    options: &Options,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Test>, Vec<Diagnostic>> {
    let mut checked: Vec<Test> = vec![];
    let mut wrong: Vec<Diagnostic> = vec![];
    for test in check_each_test(sources, file, syntax, files, options, wanted)? {
        match test {
            Ok(test) => checked.push(test),
            Err(mut errors) => wrong.append(&mut errors),
        }
    }
    if wrong.is_empty() {
        return Ok(checked);
    }
    wrong.sort_by_key(|d| (d.span.file, d.span.start));
    wrong.dedup();
    Err(wrong)
}

/// As [`check_tests`], each test with its own errors.
///
/// # Errors
/// The file's syntax errors, and those of what it uses.
#[allow(clippy::type_complexity)]
pub fn check_each_test(
    sources: &mut Sources,
    (root, module): (FileId, &Module),
    syntax: Vec<Diagnostic>,
    files: &dyn Files,
    options: &Options,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Result<Test, Vec<Diagnostic>>>, Vec<Diagnostic>> {
    let is_test = |item: &ast::Item| matches!(item.kind, ItemKind::Test(_));
    if syntax.is_empty() && !module.items.iter().any(is_test) {
        return Ok(vec![]);
    }
    let mut elab = Elab::new(sources, files, options, syntax);
    elab.load_root(root, module);
    let wrong = std::mem::take(&mut elab.diagnostics);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut checked = vec![];
    let mut names: HashMap<&str, Span> = HashMap::new();
    for item in &module.items {
        let ItemKind::Test(test) = &item.kind else {
            continue;
        };
        elab.begin();
        if let Some(first) = names.insert(&test.name, item.span) {
            let message = format!("two tests are called \"{}\"", test.name);
            let diagnostic = Diagnostic::new("N02", message, item.span);
            elab.report(diagnostic.label(first, "the first"));
        }
        if !wanted(&test.name) {
            continue;
        }
        elab.test(module, test, item.span);
        let errors = std::mem::take(&mut elab.diagnostics);
        checked.push(if errors.is_empty() {
            let expectations = std::mem::take(&mut elab.expectations);
            Ok(Test {
                name: test.name.clone(),
                program: elab.finish(),
                expectations,
            })
        } else {
            Err(errors)
        });
    }
    Ok(checked)
}

impl Elab<'_> {
    /// Forgets the program, and keeps the files that are loaded.
    fn begin(&mut self) {
        self.program = Program::default();
        self.blocks = vec![Block::default()];
        self.emitted = vec![Default::default()];
        self.turned.clear();
        self.diagnostics.clear();
        self.reported.clear();
        self.slots.clear();
        self.frames.clear();
        self.globals.clear();
        self.parties.clear();
        self.equal.clear();
        self.counters.clear();
        self.facts = Facts::default();
        self.events.clear();
        self.attempted.clear();
        self.unnamed = 0;
        self.expectations.clear();
        self.budget.clear();
    }

    fn test(&mut self, module: &Module, test: &ast::Test, span: Span) {
        self.enter(0);
        let ident = Ident {
            name: OWNER.to_owned(),
            span,
        };
        self.party_item(&[Name {
            ident,
            indices: vec![],
            span,
        }]);
        for item in &module.items {
            match &item.kind {
                ItemKind::Party(names) => self.party_item(names),
                ItemKind::Using(using) => self.using_item(using),
                ItemKind::Param(param) => self.param_item(param),
                _ => {}
            }
        }
        // Under which backend a test runs is not the script's choice, but the ring is.
        self.program.using.on.clear();
        let owner = Label::Owned([Party(0)].into_iter().collect());
        self.program.inputs.push(Input {
            party: 0,
            file: "zero".to_owned(),
            column: None,
            ty: Type::Int,
            text: false,
            shape: vec![],
            source: crate::build::source(span),
        });
        let zero = self.emit(Op::Input(0), vec![], (Type::Int, vec![], owner), span);
        self.zero = Some(Leaf {
            label: owner,
            ..Leaf::public(Src::Ir(zero), Type::Int, vec![])
        });
        self.block(&test.body);
        self.frames.pop();
        if self.expectations.is_empty() && self.diagnostics.is_empty() {
            let message = format!("the test \"{}\" expects nothing", test.name);
            self.error_help("T01", span, message, "write `expect(f(share 2), 4);`");
        }
    }

    /// Whether this is a test's own text, not that of a function it calls.
    pub fn in_test(&self) -> bool {
        self.zero.is_some() && self.frames.last().is_some_and(|f| f.function.is_none())
    }

    /// In a test, what is shared is dealt by a party as an input would be: a public value that is only declared
    /// to be secret has shares that everybody knows, and would test little.
    pub fn as_input(&mut self, val: Val, span: Span) -> Val {
        let Some(zero) = self.zero.clone() else {
            return val;
        };
        val.map(&mut |leaf| {
            if leaf.label != Label::Public {
                return Some(leaf.clone());
            }
            let zero = self.cast(&zero, leaf.ty, span)?;
            self.prim(Prim::Add, &[leaf, &zero], leaf.ty, span)
        })
    }

    /// `expect(c)`, `expect(actual, expected)`, `expect(actual, expected, within: e)`.
    pub fn expect(&mut self, args: &[Arg], span: Span) -> Val {
        let help =
            "`expect(c)`, `expect(actual, expected)` or `expect(actual, expected, within: 0.001)`";
        let Some(mut args) = self.args(args) else {
            return Val::Unknown;
        };
        let within = args.named.iter().position(|(name, ..)| name == "within");
        let within = within.map(|at| args.named.remove(at));
        let mut positional = args.positional.into_iter().map(|(val, _)| val);
        let (actual, expected) = match (positional.next(), positional.next(), positional.next()) {
            (Some(actual), Some(expected), None) => (actual, expected),
            (Some(condition), None, None) => {
                (condition, Val::Leaf(Leaf::literal(1, crate::ops::BOOL)))
            }
            _ => (Val::Unit, Val::Unit),
        };
        if actual.leaves().is_empty() || !args.named.is_empty() {
            self.error_help("T02", span, "this is not how `expect` is called", help);
            return Val::Unknown;
        }
        if self.secret_depth > 0 {
            self.error_help(
                "K17",
                span,
                "what is compared under a secret condition would be revealed",
                "compare outside of the `if secret`",
            );
            return Val::Unknown;
        }
        let expected = match (&actual, expected) {
            (Val::Leaf(leaf), Val::Text(text)) => match self.text_as(&text, leaf.ty, span) {
                Some(text) => Val::Leaf(text),
                None => return Val::Unknown,
            },
            (_, expected) => expected,
        };
        if !self.open.is_empty() {
            self.error_help(
                "U01",
                span,
                "`expect` inside of a comprehension is not executable yet",
                "give it whole lists",
            );
            return Val::Unknown;
        }
        let within = match within {
            None => None,
            Some((_, val, at)) => match self.one_leaf(&val, "`within`", at) {
                Some(leaf) => Some(leaf),
                None => return Val::Unknown,
            },
        };
        self.zip(&[actual, expected], span, &mut |this, pair| {
            this.compared(&pair[0], &pair[1], within.as_ref(), span);
            Some(pair[0].clone())
        });
        Val::Unit
    }

    fn compared(
        &mut self,
        actual: &Leaf,
        expected: &Leaf,
        within: Option<&Leaf>,
        span: Span,
    ) -> Option<()> {
        let ty = match common(actual.ty, expected.ty) {
            Some(ty) => ty,
            None => {
                self.pair(actual, expected, span);
                return None;
            }
        };
        if within.is_some() && !matches!(ty, Type::Fix(_) | Type::Int) {
            self.error_help(
                "T01",
                span,
                "only numbers are near to each other",
                "leave `within` out",
            );
            return None;
        }
        let (actual, expected) = (self.cast(actual, ty, span)?, self.cast(expected, ty, span)?);
        let within = match within {
            Some(within) => Some(self.coerce(within, ty, span)?),
            None => None,
        };
        let mut parts = vec![actual.clone()];
        for part in std::iter::once(&expected).chain(&within) {
            if !part.dims.is_empty() {
                if part.dims.len() != actual.dims.len() {
                    self.error(
                        "D01",
                        span,
                        "what is compared has different numbers of dimensions",
                    );
                    return None;
                }
                for (a, b) in actual.dims.iter().zip(&part.dims) {
                    self.unify(a, b, span)?;
                }
            }
            parts.push(part.clone());
        }
        let name = self.expectations.len().to_string();
        let count = parts.len();
        for (at, part) in parts.iter().enumerate() {
            let open = self.opened(part, Audience::All, span);
            self.output(&open, &name, (at, count, ""), Audience::All, span);
        }
        self.expectations.push(Expectation {
            ty,
            tolerant: within.is_some(),
            span,
        });
        Some(())
    }
}
