module github.com/almoner/almoner/tools/stripesim

go 1.26.0
