// What reading a dump again finds, when no sha256 stands beside it: the shares that the tests print are the README's.
import './damage-mongo.ts'
import './damage-postgres.ts'
