/** JMH benchmarks of the pieces that every notification passes. */
@NullMarked
package org.simplepush.examples.benchmarks.micro;

import org.jspecify.annotations.NullMarked;
