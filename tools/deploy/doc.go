// Package deploy checks what stands in the repository's folder deploy, as far as
// it can be checked without a container engine and without a cluster: that it can
// be read by the tools that will read it, that its parts fit each other, and that
// the program accepts what they give it.
package deploy
