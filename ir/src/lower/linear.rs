//! What the scheme's linear equations make local: sums, layout, constants.

use super::{Failed, Lower, Lowered, Lowerer, Shared};
use crate::flat::Sharing;
use crate::local::{Local, Prim};
use crate::party::{Elem, Value as Wire};
use crate::share::Value;
use crate::size::Size;

impl Lowerer<'_> {
    /// The sharing of a value in its base unit: a pending product is truncated now, a public value
    /// embedded.
    pub(super) fn shared(&mut self, value: Value) -> Lower<Shared> {
        match self.env.get(&value) {
            Some(Lowered::Secret(shared)) => Ok(shared.clone()),
            Some(Lowered::Pending(pending)) => {
                let pending = pending.clone();
                let truncated = self.truncated(&pending)?;
                let shared = self.in_shape(truncated, &pending.shape, value);
                self.define(value, Lowered::Secret(shared.clone()));
                Ok(shared)
            }
            Some(Lowered::Clear(_)) => {
                let everyone = self.emit.everyone();
                let copy = self.public(value)?;
                let encoded = self.encoded(value, copy, everyone);
                self.embed(encoded)
            }
            None => Err(Failed),
        }
    }

    /// An inner product is computed as `[.., 1, 1]`; here it gets the script's shape.
    pub(super) fn in_shape(&mut self, shared: Shared, shape: &[Size], value: Value) -> Shared {
        let target = &self.script_info(value).shape;
        if shape == target {
            return shared;
        }
        self.map(&Local::Reshape, &shared, &[], shared.elem, target)
    }

    /// The canonical sharing of a public ring element or bit vector.
    pub(super) fn embed(&mut self, value: Wire) -> Lower<Shared> {
        let info = self.emit.info(value).clone();
        let sharing = self.sharing(info.elem)?;
        let components = (0u32..)
            .zip(&sharing.constant)
            .map(|(at, c)| match (c, self.key_of(&sharing, at)) {
                (_, Some(key)) => self
                    .emit
                    .prim(Prim::Mul, &[value, key], info.elem, &info.shape),
                (1, _) => value,
                (0, _) => self
                    .emit
                    .local(Local::Constant(0), &[], info.elem, &info.shape),
                (c, _) => self.scaled(value, *c),
            })
            .collect();
        Ok(Shared {
            elem: info.elem,
            components,
        })
    }

    /// The key that a component carries.
    fn key_of(&self, sharing: &Sharing, component: u32) -> Option<Wire> {
        let (_, key) = sharing.keyed.iter().find(|(at, _)| *at == component)?;
        self.keys.get(*key as usize).copied()
    }

    fn scaled(&mut self, value: Wire, factor: i128) -> Wire {
        let info = self.emit.info(value).clone();
        let factor = self
            .emit
            .local(Local::Constant(factor), &[], info.elem, &[]);
        self.emit
            .prim(Prim::Mul, &[value, factor], info.elem, &info.shape)
    }

    /// One local operation on every component, with further arguments that are the same for all.
    pub(super) fn map(
        &mut self,
        op: &Local,
        shared: &Shared,
        others: &[Wire],
        elem: Elem,
        shape: &[Size],
    ) -> Shared {
        let components = shared
            .components
            .iter()
            .map(|c| {
                let mut args = vec![*c];
                args.extend(others);
                self.emit.local(op.clone(), &args, elem, shape)
            })
            .collect();
        Shared { elem, components }
    }

    /// The sharing with every component broadcast to a shape.
    pub(super) fn fit(&mut self, shared: &Shared, shape: &[Size]) -> Shared {
        let components = shared
            .components
            .iter()
            .map(|c| self.fit_wire(*c, shape))
            .collect();
        Shared {
            elem: shared.elem,
            components,
        }
    }

    pub(super) fn fit_wire(&mut self, value: Wire, shape: &[Size]) -> Wire {
        let info = self.emit.info(value).clone();
        if info.shape == shape {
            return value;
        }
        self.emit
            .local(Local::Broadcast, &[value], info.elem, shape)
    }

    /// Component-wise a + b or a - b, of one shape after broadcasting.
    pub(super) fn add(&mut self, prim: Prim, a: &Shared, b: &Shared, shape: &[Size]) -> Shared {
        let components = a
            .components
            .iter()
            .zip(&b.components)
            .map(|(x, y)| self.emit.prim(prim, &[*x, *y], a.elem, shape))
            .collect();
        Shared {
            elem: a.elem,
            components,
        }
    }

    /// a + c or a - c for a public c in a's unit.
    pub(super) fn add_public(
        &mut self,
        prim: Prim,
        a: &Shared,
        c: Wire,
        shape: &[Size],
    ) -> Lower<Shared> {
        let sharing = self.sharing(a.elem)?;
        let mut components = vec![];
        let parts = a.components.iter().zip(&sharing.constant);
        for (at, (x, coefficient)) in (0u32..).zip(parts) {
            if let Some(key) = self.key_of(&sharing, at) {
                let own = self.emit.info(c).clone();
                let carried = self.emit.prim(Prim::Mul, &[c, key], own.elem, &own.shape);
                components.push(self.emit.prim(prim, &[*x, carried], a.elem, shape));
                continue;
            }
            components.push(match coefficient {
                0 => self.fit_wire(*x, shape),
                1 => self.emit.prim(prim, &[*x, c], a.elem, shape),
                k => {
                    let c = self.scaled(c, *k);
                    self.emit.prim(prim, &[*x, c], a.elem, shape)
                }
            });
        }
        Ok(Shared {
            elem: a.elem,
            components,
        })
    }

    /// a + b or a - b where one of them is secret.
    pub(super) fn sum_of(
        &mut self,
        prim: Prim,
        a: Value,
        b: Value,
        shape: &[Size],
    ) -> Lower<Shared> {
        let everyone = self.emit.everyone();
        match (self.is_secret(a), self.is_secret(b)) {
            (true, true) => {
                let (x, y) = (self.shared(a)?, self.shared(b)?);
                Ok(self.add(prim, &x, &y, shape))
            }
            (true, false) => {
                let x = self.shared(a)?;
                let copy = self.public(b)?;
                let c = self.encoded(b, copy, everyone);
                self.add_public(prim, &x, c, shape)
            }
            (false, true) => {
                let y = self.shared(b)?;
                let copy = self.public(a)?;
                let c = self.encoded(a, copy, everyone);
                let y = if prim == Prim::Sub {
                    let own = self.script_info(b).shape.clone();
                    self.map(&Local::Prim(Prim::Neg), &y, &[], y.elem, &own)
                } else {
                    y
                };
                self.add_public(Prim::Add, &y, c, shape)
            }
            (false, false) => {
                let (x, y) = (self.shared(a)?, self.shared(b)?);
                Ok(self.add(prim, &x, &y, shape))
            }
        }
    }
}
