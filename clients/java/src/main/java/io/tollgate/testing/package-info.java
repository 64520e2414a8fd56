/** For tests of your own code: a Tollgate in this process, that answers as it is told. */
package io.tollgate.testing;
