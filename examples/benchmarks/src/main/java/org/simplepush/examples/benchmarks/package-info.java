/** Measures a SimplePush server from outside, with a wire of its own. */
@NullMarked
package org.simplepush.examples.benchmarks;

import org.jspecify.annotations.NullMarked;
