/** The connections of devices: bytes in, bytes out, and timers. Knows no rules. */
@NullMarked
package org.simplepush.server.internal.net;

import org.jspecify.annotations.NullMarked;
