package database

// SQLiteReaders is how many connections read from a database file.
const SQLiteReaders = sqliteReaders
