//! Functions nobody calls, elaborated once so that their errors show.

use crate::build::{Elab, FnDef};
use crate::types::Form;
use crate::value::{Leaf, Src, Val};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{self, ExprKind};
use smpc_ir::share::{Label, SizeOrigin, Type};
use smpc_ir::size::Size;
use std::collections::HashMap;
use std::rc::Rc;

/// What the unlabelled parameters of a probed function are.
#[derive(Clone, Copy, PartialEq)]
enum Labels {
    Public,
    Secret,
    SecretButInts,
}

impl Elab<'_> {
    /// Functions nobody called, at public and at secret, so that their errors show.
    pub fn uncalled(&mut self) {
        let mut functions: Vec<Rc<FnDef>> = self.modules.first().map_or(vec![], |m| {
            m.functions.values().flatten().cloned().collect::<Vec<_>>()
        });
        functions.sort_by_key(|f| f.function.name.span.start);
        for def in &functions {
            self.realised_exists(def);
        }
        for def in functions {
            let arity = crate::call::parameters(&def).count();
            if self.called.contains(&(def.module, def.name.clone(), arity)) {
                continue;
            }
            let mut found = self.probe(&def, Labels::Public);
            if !self.probe(&def, Labels::Secret).is_empty() {
                // Its ints may be lengths and bounds, which are always public.
                found.extend(self.probe(&def, Labels::SecretButInts));
            }
            for diagnostic in found {
                self.report(diagnostic);
            }
        }
    }

    /// The errors of a function at these labels.
    fn probe(&mut self, def: &Rc<FnDef>, labels: Labels) -> Vec<Diagnostic> {
        let mark = self.mark();
        let before = self.diagnostics.len();
        self.open_block();
        let span = def.function.name.span;
        self.enter(def.module);
        let mut names: HashMap<String, Size> = HashMap::new();
        let mut positional = vec![];
        let groups: Vec<ast::ParamGroup> = crate::call::parameters(def)
            .map(|(_, g)| g.clone())
            .collect();
        for group in groups {
            let val = self.stand_in(&group.ty, vec![], labels, &mut names);
            positional.push((val, group.span));
        }
        self.frames.pop();
        if !positional.iter().any(|(v, _)| v.is_unknown()) {
            // A demand for public arguments is no error of the definition.
            let _ = self.inline(
                def,
                crate::call::Args {
                    positional,
                    named: vec![],
                },
                span,
            );
        }
        self.close_block();
        let demands = ["K10", "K11", "K12", "K13", "K19", "D02", "K15", "K14"];
        let found: Vec<_> = self
            .diagnostics
            .drain(before..)
            .filter(|d| !demands.contains(&d.code))
            .map(|mut d| {
                d.labels.retain(|l| l.span != span);
                d
            })
            .collect();
        self.restore(&mark);
        found
    }

    fn stand_in(
        &mut self,
        ty: &ast::Type,
        dims: Vec<Size>,
        labels: Labels,
        names: &mut HashMap<String, Size>,
    ) -> Val {
        let Some(form) = self.form(ty) else {
            return Val::Unknown;
        };
        let secret = match ty.label {
            Some(ast::KnownTo::Public) => false,
            Some(ast::KnownTo::Secret) => true,
            _ => labels != Labels::Public,
        };
        let leaf = |this: &mut Self, scalar: Type, dims: Vec<Size>| {
            let bound = scalar == Type::Int && dims.is_empty();
            let secret = secret && !(bound && labels == Labels::SecretButInts);
            let label = if secret { Label::Secret } else { Label::Public };
            if scalar == Type::Int && dims.is_empty() && !secret {
                let var = this.size_var("k", SizeOrigin::Loop, ty.span);
                return Val::Leaf(Leaf::size(Size::from(var)));
            }
            let value = this.fresh(scalar, dims.clone(), label, ty.span);
            Val::Leaf(Leaf {
                src: Src::Ir(value),
                ty: scalar,
                axes: vec![],
                dims,
                label,
                origin: None,
            })
        };
        match form {
            Form::Scalar(scalar, _) => leaf(self, scalar, dims),
            Form::Number | Form::Any => leaf(self, crate::ops::FIX, dims),
            Form::Struct(def) => {
                let items = def
                    .fields
                    .iter()
                    .map(|(_, t)| self.stand_in(t, dims.clone(), labels, names))
                    .collect();
                Val::Struct(def.clone(), items)
            }
            Form::Tuple(types) => Val::Tuple(
                types
                    .iter()
                    .map(|t| self.stand_in(t, dims.clone(), labels, names))
                    .collect(),
            ),
            Form::Array(element, sizes) => {
                let mut dims = dims;
                for size in sizes {
                    let name = match &size.kind {
                        ExprKind::Path { path, .. } => path
                            .segments
                            .last()
                            .map_or(String::new(), |s| s.name.clone()),
                        ExprKind::Number(text) => {
                            dims.push(Size::from(text.parse::<i128>().unwrap_or(1)));
                            continue;
                        }
                        _ => return Val::Unknown,
                    };
                    if let Some(known) = names.get(&name) {
                        dims.push(known.clone());
                        continue;
                    }
                    let var = self.size_var(&name, SizeOrigin::Loop, size.span);
                    names.insert(name, Size::from(var));
                    dims.push(Size::from(var));
                }
                self.stand_in(element, dims, labels, names)
            }
        }
    }
}
