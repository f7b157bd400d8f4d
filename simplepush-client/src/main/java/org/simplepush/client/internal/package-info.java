/** What all parts of the client use: settings, and how what a server says is checked and shown. */
@NullMarked
package org.simplepush.client.internal;

import org.jspecify.annotations.NullMarked;
