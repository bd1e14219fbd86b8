//! Sizes: when two are equal, and whether an index fits.

use crate::build::{Elab, source};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{self, ExprKind, Span};
use smpc_ir::share::{Guard, SizeOrigin};
use smpc_ir::size::{Size, SizeVar};

use crate::value::Val;

impl Elab<'_> {
    pub fn canon(&self, size: &Size) -> Size {
        if self.equal.is_empty() {
            return size.clone();
        }
        let mut current = size.clone();
        for _ in 0..8 {
            let next = current.substitute(&|v| self.equal.get(&v).cloned());
            if next == current {
                break;
            }
            current = next;
        }
        current
    }

    pub fn show(&self, size: &Size) -> String {
        size.display(&|v| {
            self.program
                .sizes
                .get(v.0 as usize)
                .map_or_else(|| format!("?{}", v.0), |s| s.name.clone())
        })
    }

    pub fn size_names(&self, size: &Size) -> Vec<SizeVar> {
        (0..self.program.sizes.len() as u32)
            .map(SizeVar)
            .filter(|v| size.mentions(*v))
            .collect()
    }

    /// Makes two sizes equal: now, by a guard on inputs, or not at all.
    pub fn unify(&mut self, left: &Size, right: &Size, span: Span) -> Option<Size> {
        let (a, b) = (self.canon(left), self.canon(right));
        if a == b {
            return Some(a);
        }
        let (va, vb) = (self.size_names(&a), self.size_names(&b));
        let bound = va.iter().chain(&vb).all(|v| {
            self.program
                .sizes
                .get(v.0 as usize)
                .is_some_and(|s| s.origin != SizeOrigin::Loop)
        });
        let differ = (&a - &b).as_constant().is_some();
        if !bound || differ {
            let mut diagnostic = Diagnostic::new(
                "D01",
                format!("the sizes {} and {} differ", self.show(&a), self.show(&b)),
                span,
            );
            for v in va.into_iter().chain(vb) {
                if let Some(info) = self.program.sizes.get(v.0 as usize) {
                    let at = info.source;
                    let place = Span {
                        file: ast::FileId(at.file),
                        start: at.start,
                        end: at.end,
                    };
                    diagnostic =
                        diagnostic.label(place, format!("`{}` comes from here", info.name));
                }
            }
            self.report(diagnostic);
            return None;
        }
        self.program.guards.push(Guard {
            left: a.clone(),
            right: b.clone(),
            source: source(span),
        });
        match (a.as_var(), b.as_var()) {
            (Some(v), Some(w)) => {
                let (early, late) = if v < w { (v, w) } else { (w, v) };
                self.equal.insert(late, Size::from(early));
            }
            (Some(v), _) if !b.mentions(v) => {
                self.equal.insert(v, b.clone());
            }
            (_, Some(w)) if !a.mentions(w) => {
                self.equal.insert(w, a.clone());
            }
            _ => {}
        }
        Some(self.canon(&a))
    }

    /// Says of the operands of an expression whose sizes differ which shape each has, and where it
    /// was declared.
    pub fn label_shapes(&mut self, from: usize, operands: &[(&ast::Expr, &Val)]) {
        let mut labels = vec![];
        for (expr, val) in operands {
            let Val::Leaf(leaf) = val else { continue };
            let dims: Vec<String> = leaf.dims.iter().map(|d| self.show(d)).collect();
            labels.push((expr.span, format!("[{}]", dims.join(", "))));
            let mut inner = *expr;
            while let ExprKind::Share(e) = &inner.kind {
                inner = e;
            }
            if let ExprKind::Path { path, .. } = &inner.kind
                && let [name] = path.segments.as_slice()
                && let Some(slot) = self.lookup(&name.name)
            {
                let place = self.slots[slot].span;
                labels.push((place, format!("`{}` comes from here", name.name)));
            }
        }
        for diagnostic in self.diagnostics.iter_mut().skip(from) {
            if diagnostic.code == "D01" {
                for (span, text) in &labels {
                    *diagnostic = diagnostic.clone().label(*span, text.clone());
                }
            }
        }
    }

    /// Whether `small <= large` wherever we look; nothing is proved. `None`: it depends.
    pub fn fits(&self, small: &Size, large: &Size) -> Option<bool> {
        let difference = &self.canon(large) - &self.canon(small);
        if let Some(d) = difference.as_constant() {
            return Some(d >= 0);
        }
        let looked_at = |seeds: std::ops::Range<u64>, possible: bool| {
            let mut seen = (false, false);
            for seed in seeds {
                let at = |v: SizeVar| self.sample(v, seed, 0);
                match difference.evaluate(&at) {
                    Ok(_) if possible && !self.possible(&at) => {}
                    Ok(d) if d < 0 => seen.1 = true,
                    Ok(_) => seen.0 = true,
                    Err(_) => {}
                }
            }
            seen
        };
        let everywhere = looked_at(1..PLAIN, false);
        let seen = match everywhere {
            (_, true) if !self.facts.is_empty() => match looked_at(1..VARIED, true) {
                // What is known holds at no place that we look at.
                (false, false) => everywhere,
                seen => seen,
            },
            seen => seen,
        };
        match seen {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    /// Where a range begins and how many it has: none if it ends before it begins, which only a run may tell.
    pub fn range(&self, start: &Size, end: &Size) -> (Size, Size) {
        let start = match self.fits(start, end) {
            Some(true) => start.clone(),
            _ => start.smaller(end),
        };
        let count = end - &start;
        (start, count)
    }

    /// A value for a name in [`Self::fits`]; counters of loops stay within their bounds and visit both ends.
    fn sample(&self, v: SizeVar, seed: u64, depth: u32) -> Option<i128> {
        let mixed = (u64::from(v.0) + 1)
            .wrapping_mul(seed)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            >> 40;
        // Of each name by itself, whatever the others have.
        let varied = splitmix(u64::from(v.0) << 32 | seed);
        match self.counters.get(&v) {
            Some(counter) if depth < 8 => {
                let count = counter
                    .count
                    .evaluate(&|w| self.sample(w, seed, depth + 1))
                    .ok()?
                    .max(1);
                if seed >= PLAIN {
                    return Some(match varied % 5 {
                        0 => 0,
                        1 => 1.min(count - 1),
                        2 => (count - 2).max(0),
                        3 => count - 1,
                        _ => i128::from(varied >> 8) % count,
                    });
                }
                Some(match seed % 3 {
                    0 => 0,
                    1 => count - 1,
                    _ => i128::from(mixed) % count,
                })
            }
            _ if seed >= PLAIN => {
                let most = [4, 97, 10_000, 10_000_000][(varied % 4) as usize];
                Some(i128::from(varied >> 8) % most + 1)
            }
            _ => Some(i128::from(mixed) % 97 + 1),
        }
    }
}

/// Seeds of samples below this one are of sizes up to 97, with all counters at the same end.
const PLAIN: u64 = 24;

/// Seeds of all samples: those behind [`PLAIN`] are of sizes of every magnitude, each counter at an end of its own. They
/// are for places where much is known, and few samples are left.
const VARIED: u64 = 240;

/// Bits that look random (G. Steele, D. Lea, C. Flood, OOPSLA 2014).
fn splitmix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
