//! Any bytes as the contents of a message: a tensor of the agreed type and shape, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smpc_ir::party::Elem;
use smpc_runtime::Tensor;

fuzz_target!(|bytes: &[u8]| {
    let [kind, width, length, contents @ ..] = bytes else {
        return;
    };
    let width = width % 128 + 1;
    let elem = if kind % 2 == 0 { Elem::Ring(width) } else { Elem::Bits(width) };
    if let Ok(tensor) = Tensor::unpack(elem, &[usize::from(*length)], contents) {
        let mut packed = vec![];
        tensor.pack(&mut packed);
        assert_eq!(packed.len(), contents.len());
    }
});
