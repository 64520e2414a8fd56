package io.tollgate;

/**
 * Counts of usage records since the client was made, those of calls that wait included.
 *
 * @param queued what waits now, in memory or in the queue file, or is being sent
 * @param delivered what Tollgate has
 * @param dropped what found no room in the queue
 * @param refused what was wrong; the log says why
 */
public record Stats(long queued, long delivered, long dropped, long refused) {}
