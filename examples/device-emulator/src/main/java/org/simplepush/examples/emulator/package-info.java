/** Many devices in one process, or one device at a command line. */
@NullMarked
package org.simplepush.examples.emulator;

import org.jspecify.annotations.NullMarked;
