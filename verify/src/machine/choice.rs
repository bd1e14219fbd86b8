//! Where inputs and coins come from: enumerated, or random.

/// A source of choices: enumerated or random.
pub(crate) trait Choice {
    /// A number below the bound; 0 stands for 2^128.
    fn below(&mut self, bound: u128) -> u128;
}

/// SplitMix64: tests must be the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Choice for Random {
    fn below(&mut self, bound: u128) -> u128 {
        match u64::try_from(bound) {
            Ok(bound) if bound.is_power_of_two() => u128::from(self.word() & (bound - 1)),
            // The upper half of a product of a 128-bit word: no number is noticeably likelier.
            Ok(bound) if bound > 0 => {
                let (high, low) = (u128::from(self.word()), u128::from(self.word()));
                let bound = u128::from(bound);
                (high * bound + ((low * bound) >> 64)) >> 64
            }
            _ => {
                let word = u128::from(self.word()) << 64 | u128::from(self.word());
                match bound {
                    0 => word,
                    bound if bound.is_power_of_two() => word & (bound - 1),
                    bound => word % bound,
                }
            }
        }
    }
}

/// The assignments of a list of digits, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    digits: Vec<(u128, u128)>,
    at: usize,
}

impl Choice for Counter {
    fn below(&mut self, bound: u128) -> u128 {
        if self.at == self.digits.len() {
            self.digits.push((0, bound));
        }
        let value = self.digits[self.at].0;
        self.at += 1;
        value
    }
}

impl Counter {
    /// Before each run.
    pub fn rewind(&mut self) {
        self.at = 0;
    }

    /// To the next assignment; false after the last.
    pub fn advance(&mut self) -> bool {
        self.step().is_some()
    }

    /// To the next assignment: the last digit that changed, those before it being 0. `None` after the last one.
    pub fn step(&mut self) -> Option<usize> {
        for (at, (value, bound)) in self.digits.iter_mut().enumerate() {
            *value += 1;
            if *value != *bound {
                return Some(at);
            }
            *value = 0;
        }
        None
    }
}

/// The assignments of a list of digits, so many at once, one per lane. A machine asks for the same
/// coin of all lanes before the next coin.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    bounds: Vec<u128>,
    /// Digits of the next assignment.
    next: Vec<u128>,
    /// Digits by position, then lane.
    digits: Vec<u128>,
    lanes: usize,
    at: usize,
    finished: bool,
}

impl Batch {
    /// All assignments of the digits that a counter has seen.
    pub fn new(counter: &Counter, lanes: usize) -> Self {
        let bounds: Vec<u128> = counter.digits.iter().map(|(_, bound)| *bound).collect();
        Self {
            next: vec![0; bounds.len()],
            digits: vec![0; bounds.len() * lanes],
            bounds,
            lanes,
            at: 0,
            finished: false,
        }
    }

    /// Fills the lanes; how many have an assignment.
    pub fn fill(&mut self) -> usize {
        self.at = 0;
        for lane in 0..self.lanes {
            if self.finished {
                return lane;
            }
            for (position, digit) in self.next.iter().enumerate() {
                self.digits[position * self.lanes + lane] = *digit;
            }
            self.finished = true;
            for (digit, bound) in self.next.iter_mut().zip(&self.bounds) {
                *digit += 1;
                if *digit != *bound {
                    self.finished = false;
                    break;
                }
                *digit = 0;
            }
        }
        self.lanes
    }

    /// The digits that one lane asks for before all lanes run together.
    pub fn lane(&mut self, lane: usize) -> Lane<'_> {
        self.at = 0;
        Lane { batch: self, lane }
    }
}

impl Choice for Batch {
    fn below(&mut self, _bound: u128) -> u128 {
        let digit = self.digits[self.at];
        self.at += 1;
        digit
    }
}

/// One lane of a [`Batch`].
pub(crate) struct Lane<'b> {
    batch: &'b mut Batch,
    lane: usize,
}

impl Choice for Lane<'_> {
    fn below(&mut self, _bound: u128) -> u128 {
        let digit = self.batch.digits[self.batch.at + self.lane];
        self.batch.at += self.batch.lanes;
        digit
    }
}
