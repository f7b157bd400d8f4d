/** JMH benchmarks of what the server keeps to itself. Found under this name because of that. */
@NullMarked
package org.simplepush.server;

import org.jspecify.annotations.NullMarked;
