package document_test

import "testing"

func BenchmarkPrint(b *testing.B) {
	s := english("Amina Diallo")
	for b.Loop() {
		_, _, err := printer().Print(s)
		if err != nil {
			b.Fatal(err)
		}
	}
}
