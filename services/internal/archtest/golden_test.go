package archtest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Events are kept for ever, so what was written once must be read for ever. Of
// each event the repository keeps one with every field set, as bytes and as
// JSON. The bytes are never written anew: when this fails, the contract changed
// what old events mean.
func TestEventsOfOldAreStillRead(t *testing.T) {
	t.Parallel()
	for _, event := range Events() {
		t.Run(event.Name, func(t *testing.T) {
			t.Parallel()
			kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(event.Name))
			if err != nil {
				t.Fatal(err)
			}
			base := filepath.Join("..", "..", "..", "proto", "golden", event.Name)
			raw, err := os.ReadFile(base + ".binpb")
			if errors.Is(err, fs.ErrNotExist) && *update {
				raw = keep(t, base, kind)
			} else if err != nil {
				t.Fatalf("%v; a new event is kept with -args -update", err)
			}
			text, err := os.ReadFile(base + ".json")
			if err != nil {
				t.Fatal(err)
			}

			read, want := kind.New().Interface(), kind.New().Interface()
			err = proto.Unmarshal(raw, read)
			if err != nil {
				t.Fatalf("the kept bytes cannot be read: %v", err)
			}
			err = protojson.Unmarshal(text, want)
			if err != nil {
				t.Fatalf("the kept JSON names a field that is gone: %v", err)
			}
			if !proto.Equal(read, want) {
				t.Errorf("the kept bytes now mean\n%s\nand meant\n%s", protojson.Format(read), text)
			}
			if len(read.ProtoReflect().GetUnknown()) > 0 {
				t.Error("the kept bytes hold a field that the contract has lost")
			}
		})
	}
}

// keep writes an event with every field set.
func keep(t *testing.T, base string, kind protoreflect.MessageType) []byte {
	t.Helper()
	message := kind.New()
	fill(message, 1)
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(message.Interface())
	if err != nil {
		t.Fatal(err)
	}
	err = os.MkdirAll(filepath.Dir(base), 0o755)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		".binpb": raw, ".json": []byte(protojson.Format(message.Interface()) + "\n"),
	} {
		err := os.WriteFile(base+name, content, 0o644)
		if err != nil {
			t.Fatal(err)
		}
	}
	return raw
}

// fill sets each field to a value that no other field of the message has.
func fill(message protoreflect.Message, from int64) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		n := from*100 + int64(field.Number())
		if field.IsList() {
			list := message.Mutable(field).List()
			if field.Kind() == protoreflect.MessageKind {
				fill(list.AppendMutable().Message(), n)
			} else {
				list.Append(scalar(field, n))
			}
			continue
		}
		if field.Kind() == protoreflect.MessageKind {
			fill(message.Mutable(field).Message(), n)
			continue
		}
		message.Set(field, scalar(field, n))
	}
}

func scalar(field protoreflect.FieldDescriptor, n int64) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(field.Enum().Values().Get(1).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(string(field.Name()))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	default:
		return protoreflect.ValueOfInt64(n)
	}
}
