// Package pause makes the smallest program that can be process 1: it waits, reaps what dies, and ends on SIGTERM. It
// holds the namespaces of a pod, and those of the whole cluster, in a few kilobytes of memory.
package pause

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// programs are written down as machine code, so that neither a compiler nor a binary file is needed to have them.
var programs = map[string]struct {
	machine uint16 // as in the ELF header
	code    string
}{
	"amd64": {machine: 0x3e, code: "" +
		"4883ec28" + // sub rsp,0x28; room for a struct sigaction
		"48c7042401000000" + // mov QWORD PTR [rsp],0x1; handler: SIG_IGN
		"48c744240800000000" + // mov QWORD PTR [rsp+0x8],0x0
		"48c744241000000000" + // mov QWORD PTR [rsp+0x10],0x0
		"48c744241800000000" + // mov QWORD PTR [rsp+0x18],0x0
		"bf11000000" + // mov edi,0x11; SIGCHLD: the kernel reaps what dies
		"e835000000" + // call 66 <sigact>
		"488d0543000000" + // lea rax,[rip+0x43]; handler: quit
		"48890424" + // mov QWORD PTR [rsp],rax
		"4889442410" + // mov QWORD PTR [rsp+0x10],rax; restorer, which the kernel demands and nobody returns to
		"c744240800000004" + // mov DWORD PTR [rsp+0x8],0x4000000; flags: SA_RESTORER
		"bf0f000000" + // mov edi,0xf; SIGTERM
		"e813000000" + // call 66 <sigact>
		"bf02000000" + // mov edi,0x2; SIGINT
		"e809000000" + // call 66 <sigact>
		"b822000000" + // mov eax,0x22; pause
		"0f05" + // syscall
		"ebf7" + // jmp 5d <again>
		"488d742408" + // lea rsi,[rsp+0x8]; rt_sigaction
		"31d2" + // xor edx,edx
		"41ba08000000" + // mov r10d,0x8
		"b80d000000" + // mov eax,0xd
		"0f05" + // syscall
		"c3" + // ret
		"31ff" + // xor edi,edi; exit_group(0)
		"b8e7000000" + // mov eax,0xe7
		"0f05", // syscall
	},
	"arm64": {machine: 0xb7, code: "" +
		"ff8300d1" + // sub sp, sp, #0x20; room for a struct sigaction
		"290080d2" + // mov x9, #0x1; handler: SIG_IGN
		"e97f00a9" + // stp x9, xzr, [sp]
		"ff7f01a9" + // stp xzr, xzr, [sp, #16]
		"200280d2" + // mov x0, #0x11; SIGCHLD: the kernel reaps what dies
		"0e000094" + // bl 4c <sigact>
		"69020010" + // adr x9, 64 <quit>; handler: quit
		"e90300f9" + // str x9, [sp]
		"e00180d2" + // mov x0, #0xf; SIGTERM
		"0a000094" + // bl 4c <sigact>
		"400080d2" + // mov x0, #0x2; SIGINT
		"08000094" + // bl 4c <sigact>
		"e0031faa" + // mov x0, xzr; ppoll(NULL, 0, NULL, NULL)
		"e1031faa" + // mov x1, xzr
		"e2031faa" + // mov x2, xzr
		"e3031faa" + // mov x3, xzr
		"280980d2" + // mov x8, #0x49
		"010000d4" + // svc #0x0
		"faffff17" + // b 30 <again>
		"e1030091" + // mov x1, sp; rt_sigaction
		"e2031faa" + // mov x2, xzr
		"030180d2" + // mov x3, #0x8
		"c81080d2" + // mov x8, #0x86
		"010000d4" + // svc #0x0
		"c0035fd6" + // ret
		"e0031faa" + // mov x0, xzr; exit_group(0)
		"c80b80d2" + // mov x8, #0x5e
		"010000d4", // svc #0x0
	},
}

const (
	loadAddress = 0x400000
	headers     = 64 + 56
)

// Supported reports whether there is a program for this machine.
func Supported() bool { return programs[runtime.GOARCH].code != "" }

// Program is a static ELF executable for an architecture, amd64 or arm64.
func Program(arch string) ([]byte, error) {
	program, ok := programs[arch]
	if !ok {
		return nil, fmt.Errorf("real nodes need an amd64 or arm64 processor, this one is %s: take --nodes simulated", arch)
	}
	code, err := hex.DecodeString(program.code)
	if err != nil {
		return nil, fmt.Errorf("decoding the program: %w", err)
	}
	size := uint64(headers + len(code))
	var out bytes.Buffer
	out.WriteString("\x7fELF\x02\x01\x01")
	out.Write(make([]byte, 9))
	for _, field := range []any{
		// The file: executable, its entry, one program header at 64 and no sections.
		uint16(2), program.machine, uint32(1), uint64(loadAddress + headers), uint64(64), uint64(0), uint32(0),
		uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		// The program header: the whole file, loaded to be read and executed.
		uint32(1), uint32(5), uint64(0), uint64(loadAddress), uint64(loadAddress), size, size, uint64(0x10000),
	} {
		if err := binary.Write(&out, binary.LittleEndian, field); err != nil {
			return nil, fmt.Errorf("encoding the program: %w", err)
		}
	}
	out.Write(code)
	return out.Bytes(), nil
}

// Image is a container image that holds the program alone.
func Image() (v1.Image, error) {
	program, err := Program(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = w.WriteHeader(&tar.Header{Name: "pause", Mode: 0o755, Size: int64(len(program)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = w.Write(program)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing the sandbox image: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		return nil, fmt.Errorf("making the sandbox image: %w", err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err == nil {
		image, err = mutate.ConfigFile(image, &v1.ConfigFile{
			OS: "linux", Architecture: runtime.GOARCH, Config: v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"},
			RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(layer)},
		})
	}
	if err != nil {
		return nil, fmt.Errorf("making the sandbox image: %w", err)
	}
	return image, nil
}

func diffIDs(layer v1.Layer) []v1.Hash {
	id, err := layer.DiffID()
	if err != nil {
		return nil // the layer is in memory and was read already
	}
	return []v1.Hash{id}
}
