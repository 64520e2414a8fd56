/**
 * The client of Tollgate, which keeps LLM spend inside its envelope.
 *
 * <p>Begin with {@link io.tollgate.Client} and its {@code guard}. The stubs of the whole API are in
 * {@code io.tollgate.v1}, on the client's one channel: {@code client.budget()} and the others.
 */
package io.tollgate;
