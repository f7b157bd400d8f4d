/**
 * The rules of a device: registrations, versions, applications, and what is stored. Knows no
 * sockets, threads or clocks.
 */
@NullMarked
package org.simplepush.client.internal.device;

import org.jspecify.annotations.NullMarked;
