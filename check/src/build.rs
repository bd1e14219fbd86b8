//! The elaborator's state and the emission of share-level operations.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;
use smpc_grammar::Diagnostic;
use smpc_grammar::Sources;
use smpc_grammar::ast::{self, FileId, Module, Span};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::share::{
    Block, Label, Op, Program, SizeInfo, SizeOrigin, Step, Type, Value, ValueInfo,
};
use smpc_ir::size::{Size, SizeVar};

use crate::budget::Limit;
use crate::forms::Turn;
use crate::known::{Counter, Facts};
use crate::leaks::{Control, Event};
use crate::module::Unparsed;
use crate::test::Expectation;
use crate::value::{Axis, Leaf, Src, StructDef, Val};
use crate::{Files, Options};

/// A variable.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub name: String,
    pub val: Val,
    pub mutable: bool,
    pub span: Span,
    /// How many `if secret` surround its declaration.
    pub secret_depth: usize,
    /// Declared `public`.
    pub public: bool,
}

/// The variables of one function call.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub scopes: Vec<HashMap<String, usize>>,
    pub module: usize,
    /// The function, unless this is the root.
    pub function: Option<Rc<FnDef>>,
    /// Declared reveals of the function seen so far.
    pub revealed: BTreeSet<String>,
}

/// A function.
#[derive(Debug)]
pub(crate) struct FnDef {
    pub name: String,
    pub function: Rc<ast::Function>,
    pub module: usize,
}

/// A file.
#[derive(Default)]
pub(crate) struct ModuleEnv {
    pub functions: HashMap<String, Vec<Rc<FnDef>>>,
    pub structs: HashMap<String, Rc<StructDef>>,
    pub constants: HashMap<String, Rc<ast::Const>>,
    pub imports: HashMap<String, usize>,
    /// Those of its functions that say which comprehensions they compute, once that was asked.
    pub realising: Option<Rc<Vec<Rc<FnDef>>>>,
    /// Functions of the library that nobody called yet, by name.
    pub waiting: HashMap<String, Vec<Unparsed>>,
    /// Constructs that parse and cannot be used: name and what it is.
    pub refused: HashMap<String, &'static str>,
    /// Names whose definition has an error, which was told: their uses tell nothing more.
    pub broken: BTreeSet<String>,
}

/// A declared party or family of parties.
#[derive(Clone, Debug)]
pub(crate) struct PartyDecl {
    pub first: u8,
    /// Absent for a single party.
    pub count: Option<usize>,
}

/// An iteration axis.
#[derive(Clone, Debug)]
pub(crate) struct AxisInfo {
    pub extent: Size,
}

/// Pure operations with what they are applied to, of which type and shape they are, and whether that is the library's alone.
type Emitted = FxHashMap<(Op, Vec<Value>, Type, Vec<Size>, bool), Value>;

/// Whether an operation makes new integers, and does not only move some.
fn computes(op: &Op) -> bool {
    let arithmetic = matches!(
        op,
        Op::Local(Local::Prim(_) | Local::Sum { .. } | Local::MatMul)
    );
    arithmetic || matches!(op, Op::Raw)
}

pub(crate) struct Elab<'a> {
    pub sources: &'a mut Sources,
    pub files: &'a dyn Files,
    pub options: &'a Options,
    pub program: Program,
    pub blocks: Vec<Block>,
    /// Pure operations of each open block with their results.
    pub emitted: Vec<Emitted>,
    /// What was transposed, and the order of its axes.
    pub turned: HashMap<Value, (Value, Vec<u8>)>,
    pub diagnostics: Vec<Diagnostic>,
    pub reported: BTreeSet<(&'static str, Span)>,
    pub modules: Vec<ModuleEnv>,
    pub module_paths: HashMap<String, usize>,
    /// The modules that files of the user's became, by their names.
    pub file_modules: HashMap<String, usize>,
    /// Modules of the library that nothing was needed of yet.
    pub unread: HashMap<usize, &'static smpc_stdlib::Module>,
    pub prelude: Option<usize>,
    pub slots: Vec<Slot>,
    pub frames: Vec<Frame>,
    pub globals: HashMap<String, usize>,
    pub parties: BTreeMap<String, PartyDecl>,
    pub axes: HashMap<Axis, AxisInfo>,
    pub next_axis: i32,
    pub next_tree_axis: i32,
    /// Open iteration axes.
    pub open: Vec<Axis>,
    /// Names known equal by a guard.
    pub equal: HashMap<SizeVar, Size>,
    /// The loops of counters.
    pub counters: HashMap<SizeVar, Counter>,
    /// What is known of sizes here.
    pub facts: Facts,
    /// How far the innermost loop is.
    pub turn: Turn,
    pub events: Vec<Event>,
    /// Names of reveals, also of those with an error.
    pub attempted: BTreeSet<String>,
    pub control: Vec<Control>,
    /// How many `if secret` are open, where the innermost is, and in how many calls it stands.
    pub secret_depth: usize,
    pub secret_span: Span,
    pub secret_calls: usize,
    /// Functions being called: their names and the places of the calls.
    pub calls: Vec<(Rc<FnDef>, Span)>,
    /// The number of the call whose text is carried out, 0 outside of functions.
    pub call: u32,
    pub unnamed: usize,
    pub called: BTreeSet<(usize, String, usize)>,
    /// In a test: an input that is 0, which makes a public value the test's own.
    pub zero: Option<Leaf>,
    /// What a test expects, by the number of its outputs.
    pub expectations: Vec<Expectation>,
    /// The script's privacy budget; empty if it has none.
    pub budget: Vec<Limit>,
    /// Files of the library, and texts of approximations.
    pub library: HashSet<FileId>,
}

pub(crate) fn source(span: Span) -> Source {
    Source {
        file: span.file.0,
        start: span.start,
        end: span.end,
        call: 0,
    }
}

impl<'a> Elab<'a> {
    /// Nothing loaded and nothing run; with the syntax errors of the root file.
    pub fn new(
        sources: &'a mut Sources,
        files: &'a dyn Files,
        options: &'a Options,
        syntax: Vec<Diagnostic>,
    ) -> Self {
        Self {
            sources,
            files,
            options,
            program: Program::default(),
            blocks: vec![Block::default()],
            emitted: vec![Emitted::default()],
            turned: HashMap::new(),
            diagnostics: syntax,
            reported: BTreeSet::new(),
            modules: vec![],
            module_paths: HashMap::new(),
            file_modules: HashMap::new(),
            unread: HashMap::new(),
            prelude: None,
            slots: vec![],
            frames: vec![],
            globals: HashMap::new(),
            parties: BTreeMap::new(),
            axes: HashMap::new(),
            next_axis: 1,
            next_tree_axis: -1,
            open: vec![],
            equal: HashMap::new(),
            counters: HashMap::new(),
            facts: Facts::default(),
            turn: Turn::default(),
            events: vec![],
            attempted: BTreeSet::new(),
            control: vec![],
            secret_depth: 0,
            secret_span: Span::default(),
            secret_calls: 0,
            calls: vec![],
            call: 0,
            unnamed: 0,
            called: BTreeSet::new(),
            zero: None,
            expectations: vec![],
            budget: vec![],
            library: HashSet::new(),
        }
    }

    /// Loads the root file, what it uses, and the prelude.
    pub fn load_root(&mut self, root: FileId, module: &Module) {
        self.load("", root, module);
        self.load_prelude();
    }
}

impl Elab<'_> {
    // ---- errors

    pub fn report(&mut self, mut diagnostic: Diagnostic) {
        if !self.reported.insert((diagnostic.code, diagnostic.span)) {
            return;
        }
        for (function, span) in self.calls.iter().rev().take(6) {
            diagnostic = diagnostic.label(*span, format!("in this call of `{}`", function.name));
        }
        self.diagnostics.push(diagnostic);
    }

    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::new(code, message, span));
    }

    pub fn error_help(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Diagnostic::new(code, message, span).help(help));
    }

    /// An error about a secret that shows how the value came to be secret.
    pub fn with_path(&self, mut diagnostic: Diagnostic, leaf: &Leaf) -> Diagnostic {
        let mut chain = vec![];
        let mut at = leaf.origin.clone();
        while let Some(origin) = at {
            chain.push((origin.span, origin.text.clone()));
            at = origin.parent.clone();
        }
        chain.reverse();
        if chain.len() > 5 {
            let tail = chain.split_off(chain.len() - 2);
            chain.truncate(2);
            chain.extend(tail);
        }
        for (span, text) in chain {
            diagnostic = diagnostic.label(span, text);
        }
        diagnostic
    }

    /// Starts a nested block.
    pub fn open_block(&mut self) {
        self.reopen_block(Block::default());
    }

    /// Whether what stands here is carried out once in every run: in no arm, loop or tree.
    pub fn is_straight(&self) -> bool {
        self.blocks.len() == 1
    }

    /// Goes on with a block closed before; its own values are known again.
    pub fn reopen_block(&mut self, block: Block) {
        self.blocks.push(block);
        self.emitted.push(Emitted::default());
        self.facts.open();
    }

    /// Ends the innermost block.
    pub fn close_block(&mut self) -> Block {
        self.emitted.pop();
        self.facts.close();
        self.blocks.pop().unwrap_or_default()
    }

    // ---- values

    /// A place in the text that is carried out, in the call that it is carried out in.
    fn here(&self, span: Span) -> Source {
        Source {
            call: self.call,
            ..source(span)
        }
    }

    pub fn fresh(&mut self, ty: Type, shape: Vec<Size>, label: Label, span: Span) -> Value {
        let value = Value(self.program.values.len() as u32);
        self.program.values.push(ValueInfo {
            ty,
            shape,
            label,
            source: self.here(span),
            library: self.library.contains(&span.file),
        });
        value
    }

    pub fn push(&mut self, op: Op, args: Vec<Value>, results: Vec<Value>, span: Span) {
        let step = Step {
            op,
            args,
            results,
            source: self.here(span),
        };
        if let Some(block) = self.blocks.last_mut() {
            block.steps.push(step);
        }
    }

    /// Emits an operation with one result. A pure operation that was emitted before, in this block or
    /// one around it, is not repeated.
    pub fn emit(
        &mut self,
        op: Op,
        args: Vec<Value>,
        (ty, shape, label): (Type, Vec<Size>, Label),
        span: Span,
    ) -> Value {
        let pure = match &op {
            Op::Local(Local::Data(_)) => false,
            Op::Local(_) | Op::Raw | Op::FromRaw | Op::RingBits | Op::OrderedBits => true,
            _ => false,
        };
        if pure {
            // In the clear the library's integers are wider than a script's where the backend's are narrow: one is not the other.
            let library = self.library.contains(&span.file);
            let apart = library && ty == Type::Int && label != Label::Secret && computes(&op);
            let key = (op.clone(), args.clone(), ty, shape.clone(), apart);
            let known = self.emitted.iter().rev().find_map(|m| m.get(&key));
            if let Some(known) = known.copied() {
                // What the library relies on, a script may use.
                self.program.values[known.0 as usize].library |= library;
                return known;
            }
            let result = self.fresh(ty, shape, label, span);
            self.push(op, args, vec![result], span);
            if let Some(map) = self.emitted.last_mut() {
                map.insert(key, result);
            }
            return result;
        }
        let result = self.fresh(ty, shape, label, span);
        self.push(op, args, vec![result], span);
        result
    }

    pub fn local(
        &mut self,
        op: Local,
        args: Vec<Value>,
        info: (Type, Vec<Size>, Label),
        span: Span,
    ) -> Value {
        self.emit(Op::Local(op), args, info, span)
    }

    pub fn size_var(&mut self, name: &str, origin: SizeOrigin, span: Span) -> SizeVar {
        let var = SizeVar(self.program.sizes.len() as u32);
        self.program.sizes.push(SizeInfo {
            name: name.to_owned(),
            origin,
            source: source(span),
        });
        var
    }

    pub fn extent(&self, axis: Axis) -> Size {
        self.axes
            .get(&axis)
            .map_or_else(Size::one, |a| a.extent.clone())
    }

    pub fn extents(&self, axes: &[Axis]) -> Vec<Size> {
        axes.iter().map(|a| self.extent(*a)).collect()
    }

    /// The shape of the leaf's value in the program.
    pub fn shape(&self, leaf: &Leaf) -> Vec<Size> {
        let mut shape = self.extents(&leaf.axes);
        shape.extend(leaf.dims.iter().cloned());
        shape
    }

    pub fn new_axis(&mut self, extent: Size) -> Axis {
        let axis = Axis(self.next_axis);
        self.next_axis += 1;
        self.axes.insert(axis, AxisInfo { extent });
        axis
    }

    pub fn new_tree_axis(&mut self, extent: Size) -> Axis {
        let axis = Axis(self.next_tree_axis);
        self.next_tree_axis -= 1;
        self.axes.insert(axis, AxisInfo { extent });
        axis
    }

    /// The program value of a leaf, emitted now if it was not yet.
    pub fn value(&mut self, leaf: &Leaf, span: Span) -> Value {
        let info = (leaf.ty, self.shape(leaf), Label::Public);
        match &leaf.src {
            Src::Ir(value) => *value,
            Src::Size(size) => {
                let op = match size.as_constant() {
                    Some(value) => Local::Constant(value),
                    None => Local::Size(size.clone()),
                };
                self.local(op, vec![], info, span)
            }
            Src::Literal(value) | Src::Fill(value) => {
                self.local(Local::Constant(*value), vec![], info, span)
            }
            Src::Data(data) => self.local(Local::Data(data.clone()), vec![], info, span),
            Src::Index(_, offset) => {
                let iota = self.local(Local::Iota, vec![], info.clone(), span);
                if *offset == Size::zero() {
                    return iota;
                }
                let offset = self.value(&Leaf::size(offset.clone()), span);
                self.local(Local::Prim(Prim::Add), vec![iota, offset], info, span)
            }
        }
    }

    pub fn leaf(&self, value: Value, like: &Leaf) -> Leaf {
        Leaf {
            src: Src::Ir(value),
            ..like.clone()
        }
    }

    /// The value with size-1 axes inserted so that it broadcasts against others over `axes` whose
    /// own rank is `rank`.
    pub fn aligned(&mut self, leaf: &Leaf, axes: &[Axis], rank: usize, span: Span) -> Value {
        let value = self.value(leaf, span);
        if leaf.is_scalar() {
            return value;
        }
        let mut shape: Vec<Size> = axes
            .iter()
            .map(|a| {
                if leaf.axes.contains(a) {
                    self.extent(*a)
                } else {
                    Size::one()
                }
            })
            .collect();
        if leaf.dims.is_empty() {
            shape.extend(std::iter::repeat_n(Size::one(), rank));
        } else {
            shape.extend(leaf.dims.iter().cloned());
        }
        self.reshaped(value, shape, span)
    }

    pub fn reshaped(&mut self, value: Value, shape: Vec<Size>, span: Span) -> Value {
        let info = self.program.values[value.0 as usize].clone();
        if info.shape == shape {
            return value;
        }
        self.local(
            Local::Reshape,
            vec![value],
            (info.ty, shape, info.label),
            span,
        )
    }

    /// The value repeated to the full shape over `axes` and `dims`.
    pub fn expanded(&mut self, leaf: &Leaf, axes: &[Axis], dims: &[Size], span: Span) -> Value {
        let mut shape = self.extents(axes);
        shape.extend(dims.iter().cloned());
        if let (Src::Fill(value) | Src::Literal(value), true) = (&leaf.src, leaf.axes.is_empty()) {
            return self.local(
                Local::Constant(*value),
                vec![],
                (leaf.ty, shape, Label::Public),
                span,
            );
        }
        let value = self.aligned(leaf, axes, dims.len(), span);
        let info = self.program.values[value.0 as usize].clone();
        if info.shape == shape {
            return value;
        }
        self.local(
            Local::Broadcast,
            vec![value],
            (info.ty, shape, info.label),
            span,
        )
    }

    /// The value with its axes in another order. One that was transposed is transposed anew, or is what it was.
    pub fn transposed(&mut self, value: Value, axes: Vec<u8>, span: Span) -> Value {
        let (value, axes) = match self.turned.get(&value) {
            Some((of, first)) => {
                let axes = axes.iter().map(|a| first[usize::from(*a)]);
                (*of, axes.collect())
            }
            None => (value, axes),
        };
        if axes.iter().enumerate().all(|(i, a)| i == usize::from(*a)) {
            return value;
        }
        let info = self.program.values[value.0 as usize].clone();
        let shape = axes
            .iter()
            .map(|a| info.shape[usize::from(*a)].clone())
            .collect();
        let turned = self.local(
            Local::Transpose { axes: axes.clone() },
            vec![value],
            (info.ty, shape, info.label),
            span,
        );
        self.turned.insert(turned, (value, axes));
        turned
    }
}
