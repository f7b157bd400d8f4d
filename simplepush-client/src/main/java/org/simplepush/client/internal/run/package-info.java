/** Where the device runs: the loop that it is confined to, and executors. */
@NullMarked
package org.simplepush.client.internal.run;

import org.jspecify.annotations.NullMarked;
