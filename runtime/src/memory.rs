//! Whether there is memory for a result, before it is computed: a tensor that no machine holds is an error of the run,
//! not the end of the process.

use std::fs;
use std::sync::OnceLock;

use smpc_ir::party::Elem;

use crate::LocalError;
use crate::tensor::count;

/// Bytes from which on memory is asked for before it is taken.
const LARGE: usize = 1 << 26;

/// How many elements a shape has, if there is memory for them.
///
/// # Errors
/// [`LocalError::TooLarge`] beyond 2^40 elements, beyond the memory of the machine, or where the system refuses it.
pub(crate) fn room(elem: Elem, shape: &[usize]) -> Result<usize, LocalError> {
    let n = count(shape)?;
    let bits = match elem {
        Elem::Bits(1) => 1,
        elem if elem != Elem::Fix && elem.wire_bits() <= 64 => 64,
        _ => 128,
    };
    // At most 2^40 elements of 2^7 bits.
    reservable(n.saturating_mul(bits).div_ceil(8))?;
    Ok(n)
}

/// Whether so many bytes can be had. The system is asked for them, and they are given back at once: memory that nothing was
/// written to costs nothing. A system may grant more than it has, and end the process that writes to it.
///
/// # Errors
/// [`LocalError::TooLarge`].
pub(crate) fn reservable(bytes: usize) -> Result<(), LocalError> {
    if bytes < LARGE {
        return Ok(());
    }
    if installed().is_some_and(|all| bytes as u64 > all) {
        return Err(LocalError::TooLarge);
    }
    let granted = Vec::<u8>::new().try_reserve_exact(bytes);
    granted.map_err(|_| LocalError::TooLarge)
}

/// The memory of the machine, or the part of it that this process may use, in bytes; `None` where the system does not
/// tell.
fn installed() -> Option<u64> {
    static INSTALLED: OnceLock<Option<u64>> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let machine = fs::read_to_string("/proc/meminfo").ok();
        // Of a container: control groups, version 2 and version 1.
        let limits = ["memory.max", "memory/memory.limit_in_bytes"];
        let limits = limits.map(|file| fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok());
        let limits = limits.into_iter().flatten();
        let limits = limits.filter_map(|text| text.trim().parse().ok());
        machine
            .and_then(|text| total(&text))
            .into_iter()
            .chain(limits)
            .min()
    })
}

/// Memory and swap in `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let of = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let number = line.trim().strip_suffix("kB")?.trim();
        number.parse::<u64>().ok()?.checked_mul(1024)
    };
    let swap = of("SwapTotal:").unwrap_or(0);
    of("MemTotal:")?.checked_add(swap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_the_machine() {
        let text = "MemTotal:       24000 kB\nMemFree:          100 kB\nSwapTotal:  8 kB\n";
        assert_eq!(total(text), Some(24_008 << 10));
        assert_eq!(total("MemTotal: 5 kB\n"), Some(5 << 10));
        assert_eq!(total("MemTotal: 5\n"), None);
        assert_eq!(total(""), None);
    }

    #[test]
    fn no_machine_holds_everything() {
        let (bit, wide) = (Elem::Bits(1), Elem::Ring(128));
        assert_eq!(room(bit, &[1 << 20, 8]), Ok(1 << 23));
        assert_eq!(room(wide, &[1 << 40]), Err(LocalError::TooLarge));
        assert_eq!(room(bit, &[1 << 41]), Err(LocalError::TooLarge));
        assert_eq!(reservable(usize::MAX >> 1), Err(LocalError::TooLarge));
    }
}
