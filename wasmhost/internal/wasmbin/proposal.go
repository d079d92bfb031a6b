package wasmbin

import "fmt"

// refusal says why an opcode outside the table is not accepted.
func refusal(prefix byte, sub uint32) string {
	switch {
	case prefix == 0xfe:
		return fmt.Sprintf("uses the threads proposal (atomic instruction 0xfe 0x%02x), which is not supported: build without threads (-pthread, atomics)", sub)
	case prefix == 0xfb:
		return fmt.Sprintf("uses the garbage collection proposal (instruction 0xfb 0x%02x), which is not supported: build for linear memory", sub)
	case prefix == 0xfd && sub >= 0x100:
		return fmt.Sprintf("uses the relaxed SIMD proposal (instruction 0xfd 0x%02x), which is not supported: build without relaxed-simd", sub)
	case prefix == 0xfc || prefix == 0xfd:
		return fmt.Sprintf("illegal opcode: 0x%02x 0x%02x is no instruction", prefix, sub)
	}
	switch prefix {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return fmt.Sprintf("uses the exception handling proposal (%s), which is not supported: build without wasm exceptions", exceptionOps[prefix])
	case 0x14, 0x15, 0xd3, 0xd4, 0xd5, 0xd6:
		return fmt.Sprintf("uses the typed function references proposal (instruction 0x%02x), which is not supported", prefix)
	}
	return fmt.Sprintf("illegal opcode: 0x%02x is no instruction", prefix)
}

var exceptionOps = map[byte]string{
	0x06: "try", 0x07: "catch", 0x08: "throw", 0x09: "rethrow",
	0x0a: "throw_ref", 0x18: "delegate", 0x19: "catch_all", 0x1f: "try_table",
}

// refusedType says why a byte is not accepted as a value type.
func refusedType(b byte) string {
	switch b {
	case 0x63, 0x64:
		return "uses the typed function references proposal (a ref type), which is not supported"
	case 0x69, 0x74:
		return "uses the exception handling proposal (an exnref type), which is not supported"
	case 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73:
		return fmt.Sprintf("uses the garbage collection proposal (type 0x%02x), which is not supported", b)
	}
	return fmt.Sprintf("0x%02x is no value type", b)
}
