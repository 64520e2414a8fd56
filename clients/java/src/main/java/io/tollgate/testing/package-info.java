/** For unit tests of your own code: a fake Tollgate server, with the answers that you set. */
package io.tollgate.testing;
