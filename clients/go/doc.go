// Package tollgate keeps LLM calls inside their budget: a check before each call, a record after
// it.
//
// [Client.Guard] is the one thing most programs use. It asks Tollgate whether a call may run and
// on which model, runs it, and records what it used, whatever happens. The rest of the API is on
// the same connection, in the stubs that the [Client] carries, whose messages are in
// tollgate.example/go/gen/tollgate/v1.
package tollgate
