/** What the command-line programs of the examples share. */
@NullMarked
package org.simplepush.examples.cli;

import org.jspecify.annotations.NullMarked;
